package import HeadwayCore

/// What an operator should hear of an aggregator. Carries no ids of jobs and no payload.
package enum AggregatorNotice: Sendable, CustomStringConvertible {
    case took(partition: Int, fence: Int64, newEpoch: Bool)
    /// Given back; with a name, handed to that instance.
    case released(partition: Int, to: String?)
    /// Ownership or the connection was lost; memory is dropped and the partition is asked for again.
    case lost(partition: Int, reason: String)
    /// An error inside an accepted transaction, a key that cannot be read, a missing right: the partition stands
    /// until a person has looked, also for other instances.
    case halted(partition: Int, reason: String)
    /// Redis refuses writes for now (full, read-only, loading): nothing is lost, it is tried again.
    case refused(partition: Int, reason: String)
    /// A source's numbers left some out: events were lost before they reached the stream.
    case gap(partition: Int, missing: Int64)
    /// Somebody removed entries that nobody had read.
    case trimmedUnread(partition: Int, entries: Int64)
    /// Somebody deleted the stream; a new one is there.
    case streamDeleted(partition: Int)
    /// The stream could not be marked as the one that was read: the next owner will take it for another.
    case notMarked(partition: Int)
    case clockJumped(partition: Int, by: Duration)
    /// What is stored of one job cannot be read; its words are refused, the others go on.
    case quarantined(partition: Int, reason: String)
    /// A bulk's share does not equal the index of its members: a defect, or somebody else's hand.
    case drift(partition: Int, bulk: BulkID, told: BulkCounts, counted: BulkCounts)
    /// A share was counted anew from its members; `changed` when it had been wrong.
    case recounted(partition: Int, bulk: BulkID, changed: Bool)
    /// A share has so many members that counting them anew would outlast the lease.
    case recountRefused(partition: Int, bulk: BulkID)
    /// The open jobs were counted anew: their census did not equal their index.
    case countedOpenJobs(partition: Int, told: Int, indexed: Int)
    /// They are too many to be counted anew within the lease.
    case openJobsNotCounted(partition: Int, told: Int, indexed: Int)
    /// A receiver of webhooks does not take them; they are tried again.
    case receiverFails(receiver: String, reason: String)
    case receiverBack(receiver: String)
    /// Webhooks were given up; they lie in `undelivered`.
    case undelivered(receiver: String, count: Int, reason: String)
    /// Entries of the outbox that are no webhooks; they lie in `undelivered`.
    case unreadableWebhooks(partition: Int, count: Int)
    /// The outbox was full: its oldest webhooks were dropped unsent.
    case outboxFull(partition: Int, dropped: Int)

    package enum Level: String, Sendable { case info, warning, error }

    package var level: Level {
        switch self {
        case .took, .released, .recounted, .countedOpenJobs: .info
        case .lost, .refused, .clockJumped, .receiverFails, .receiverBack, .recountRefused,
            .openJobsNotCounted, .notMarked:
            .warning
        case .halted, .quarantined, .gap, .trimmedUnread, .streamDeleted, .drift, .undelivered,
            .unreadableWebhooks,
            .outboxFull:
            .error
        }
    }

    package var description: String {
        switch self {
        case .took(let partition, let fence, let newEpoch):
            "partition \(partition): taken with fence \(fence)\(newEpoch ? ", new epoch" : "")"
        case .released(let partition, let heir):
            "partition \(partition): released" + (heir.map { " to \($0)" } ?? "")
        case .lost(let partition, let reason):
            "partition \(partition): lost (\(reason)); starting over from the stored checkpoint"
        case .halted(let partition, let reason):
            "partition \(partition): HALTED until a person has looked: \(reason)"
        case .refused(let partition, let reason):
            "partition \(partition): Redis refuses writes (\(reason)); waiting"
        case .gap(let partition, let missing):
            "partition \(partition): \(missing) events were lost before they reached the stream"
        case .trimmedUnread(let partition, let entries):
            "partition \(partition): \(entries) unread entries were removed from the stream by somebody else"
        case .streamDeleted(let partition):
            "partition \(partition): its stream was deleted by somebody; reading the new one from its beginning"
        case .notMarked(let partition):
            "partition \(partition): its stream cannot be marked as read; the next owner will take it for another and"
                + " read it again: grant XGROUP CREATE (deploy/users.acl)"
        case .clockJumped(let partition, let jump):
            "partition \(partition): Redis' clock was set by \(jump); compensated"
        case .quarantined(let partition, let reason):
            "partition \(partition): one job is set aside until a person has mended it: \(reason); its events lie in"
                + " rejected as unreadable_state"
        case .drift(let partition, let bulk, let told, let counted):
            "partition \(partition): bulk \(bulk) tells \(told.inWords), its members' index \(counted.inWords);"
                + " see headway verify --repair"
        case .recountRefused(let partition, let bulk):
            "partition \(partition): bulk \(bulk) has more than \(PartitionOwner.recountLimit) members here;"
                + " it is not counted anew"
        case .recounted(let partition, let bulk, let changed):
            "partition \(partition): bulk \(bulk) was counted anew; it \(changed ? "had been wrong" : "was right")"
        case .countedOpenJobs(let partition, let told, let indexed):
            "partition \(partition): its census told of \(told) open jobs, their index has \(indexed);"
                + " they were counted anew"
        case .openJobsNotCounted(let partition, let told, let indexed):
            "partition \(partition): its census tells of \(told) open jobs, their index has \(indexed);"
                + " more than \(PartitionOwner.recountLimit) are not counted anew"
        case .receiverFails(let receiver, let reason):
            "webhooks: \(receiver) does not take them (\(reason)); trying again for as long as the patience lasts"
        case .receiverBack(let receiver):
            "webhooks: \(receiver) takes them again"
        case .undelivered(let receiver, let count, let reason):
            "webhooks: gave up \(count) for \(receiver) (\(reason)); they are kept in undelivered"
        case .unreadableWebhooks(let partition, let count):
            "partition \(partition): \(count) entries of the outbox cannot be read; they are kept in undelivered"
        case .outboxFull(let partition, let dropped):
            "partition \(partition): the outbox is full; its \(dropped) oldest webhooks were dropped unsent"
        }
    }
}

extension BulkCounts {
    fileprivate var inWords: String {
        JobState.Status.allCases.map { "\(self[$0]) \($0.rawValue)" }.joined(separator: ", ")
    }
}
