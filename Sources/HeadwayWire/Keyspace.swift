package import HeadwayCore

/// All keys of a namespace: the only place where a key is spelled.
///
/// The keys of a partition share the hash tag `{p}`, so that a commit stays one transaction on a cluster;
/// the id is always the last part, so that an id with a colon in it needs no escaping.
package struct Keyspace: Sendable, Equatable {
    /// Why there can be no such keyspace.
    package enum Problem: Error, Sendable, Equatable, CustomStringConvertible {
        case namespace
        case partitions

        package var description: String {
            switch self {
            case .namespace: "a namespace is 1 to 64 letters, digits, dots, underscores or hyphens"
            case .partitions: "the number of partitions is 1 to 1024"
            }
        }
    }

    package static let defaultNamespace = "hw"

    package let namespace: String
    package let partitions: Int
    private let prefixes: [String]

    /// - Parameters:
    ///   - namespace: no colon in it, so that an ACL pattern such as `~hw:*` never covers another one.
    ///   - partitions: 1 to 1,024, fixed when a namespace is first used.
    package init(namespace: String = defaultNamespace, partitions: Int) throws(Problem) {
        guard namespace.utf8.count <= 64, isIdentifier(namespace.utf8),
            !namespace.utf8.contains(where: { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "@") })
        else { throw .namespace }
        guard 1...1024 ~= partitions else { throw .partitions }
        self.namespace = namespace
        self.partitions = partitions
        prefixes = (0..<partitions).map { "\(namespace):{\($0)}:" }
    }

    /// Where everything about the job lives, and where its events go.
    package func partition(of job: JobID) -> Int {
        Int(CRC16.checksum(job.description.utf8)) % partitions
    }

    /// The bulk's home: where its label, total and seal live, and where `bulk.*` events from outside go.
    package func partition(of bulk: BulkID) -> Int {
        Int(CRC16.checksum(bulk.description.utf8)) % partitions
    }

    package func partition(of subject: ProgressEvent.Subject) -> Int {
        switch subject {
        case .job(let id): partition(of: id)
        case .bulk(let id): partition(of: id)
        }
    }

    // Of one partition. `p` is a partition of this keyspace; anything else is our own bug, and traps.

    /// Stream: events not yet trimmed.
    package func events(_ p: Int) -> String { prefixes[p] + "events" }
    /// Hash: ``Control``.
    package func control(_ p: Int) -> String { prefixes[p] + "control" }
    /// Hash: publisher → ``SourceMark``.
    package func sources(_ p: Int) -> String { prefixes[p] + "sources" }
    /// Hash: the job's state, or its placeholder.
    package func job(_ p: Int, _ id: JobID) -> String { prefixes[p] + "job:" + id.description }
    /// List: the job's ``TimelineEntry``s, capped.
    package func timeline(_ p: Int, _ id: JobID) -> String { prefixes[p] + "timeline:" + id.description }
    /// String: what outlives the job's hash.
    package func tombstone(_ p: Int, _ id: JobID) -> String { prefixes[p] + "tomb:" + id.description }
    /// Sorted set: open jobs by next deadline.
    package func active(_ p: Int) -> String { prefixes[p] + "active" }
    /// Hash: this partition's share of the bulk.
    package func bulk(_ p: Int, _ id: BulkID) -> String { prefixes[p] + "bulk:" + id.description }
    /// Sorted set: the bulk's members here by ``MemberScore``.
    package func members(_ p: Int, _ id: BulkID) -> String { prefixes[p] + "members:" + id.description }
    /// Sorted set: bulks at home here, newest last.
    package func bulks(_ p: Int) -> String { prefixes[p] + "bulks" }
    /// Hash: stage durations per pipeline.
    package func durations(_ p: Int) -> String { prefixes[p] + "durations" }
    /// Hash: how many jobs are open, by ``Census/Standing``.
    package func census(_ p: Int) -> String { prefixes[p] + "census" }
    /// Stream: ``Rejection``s, capped.
    package func rejected(_ p: Int) -> String { prefixes[p] + "rejected" }
    /// Set: ids of bulks whose share here has something to tell others.
    package func errands(_ p: Int) -> String { prefixes[p] + "errands" }
    /// Stream: ``OutboxEntry``s, webhooks that wait to be delivered.
    package func outbox(_ p: Int) -> String { prefixes[p] + "outbox" }
    /// Hash: `<entry>/<receiver>` of entries that one of several receivers has.
    package func delivered(_ p: Int) -> String { prefixes[p] + "delivered" }
    /// Stream: ``Undelivered``, capped.
    package func undelivered(_ p: Int) -> String { prefixes[p] + "undelivered" }
    /// Channel: one ``ChangeNotice`` per commit.
    package func changes(_ p: Int) -> String { prefixes[p] + "changes" }

    // Of the whole namespace: single keys, never in a transaction with others.

    /// Hash: `name@revision` → canonical JSON (``PipelineShelf``).
    package var pipelines: String { "\(namespace):pipelines" }
    /// Hash: ``NamespaceConfig``.
    package var config: String { "\(namespace):config" }
    /// Hash: instance → ``InstanceBeat``.
    package var aggregators: String { "\(namespace):aggregators" }
}
