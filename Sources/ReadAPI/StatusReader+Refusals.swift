package import HeadwayCore
package import HeadwayWire
import Redis

/// That an event of somebody was refused: the newest one, of those that are still kept.
package struct RefusedEvent: Sendable, Equatable {
    /// The subject as it was sent.
    package let subject: String
    /// Its type as it was sent; nil when it had none.
    package let type: String?
    package let rejection: Rejection
}

extension StatusReader {
    /// How many refused events of each partition are looked at, from the newest back.
    private static let refusalsLooked = 100

    /// The newest refused event of each of these ids, of a job or of a bulk, by id: for a person who asks why nothing
    /// is to be seen.
    ///
    /// One round trip; reads at most 100 refused events of each partition that an id belongs to.
    package func refusals(of ids: [(job: JobID, bulk: BulkID)]) async throws(ReadError) -> [String:
        RefusedEvent]
    {
        let partitions = Set(
            ids.flatMap { [keyspace.partition(of: $0.job), keyspace.partition(of: $0.bulk)] })
        var batch = CommandBatch()
        for partition in partitions.sorted() {
            batch.add("XREVRANGE", keyspace.rejected(partition), "+", "-", "COUNT", "\(Self.refusalsLooked)")
        }
        let wanted = Set(ids.map(\.job.description))
        var found: [String: RefusedEvent] = [:]
        for reply in try await ask(batch) {
            guard let entries = reply.elements else { continue }
            for entry in entries {
                guard let pairs = entry.elements.flatMap({ Array($0).last })?.pairs,
                    let rejection = try? Rejection(fields: pairs),
                    let subject = rejection.text("subject"), wanted.contains(subject),
                    rejection.at > found[subject]?.rejection.at ?? Timestamp(milliseconds: .min)
                else { continue }
                found[subject] = RefusedEvent(
                    subject: subject, type: rejection.text("type"), rejection: rejection)
            }
        }
        return found
    }
}

extension Rejection {
    /// The value of one of the event's own fields.
    fileprivate func text(_ name: String) -> String? {
        event.first { $0.name.elementsEqual(name.utf8) }.map { String(decoding: $0.value, as: UTF8.self) }
    }
}
