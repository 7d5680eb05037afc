import HeadwayCore
import HeadwayWire

/// What waits to be written to the spool, as the outbox guards it. No I/O and no clock of its own.
struct SpoolState {
    /// One record on its way to the file.
    struct Entry: Sendable, Equatable {
        var length: Int
        var partition: Int
        var number: Int64
        /// Of the partition's source: numbers begin anew with each.
        var generation: Int
    }

    /// What is written in one piece.
    struct Load: Sendable {
        var bytes: [UInt8] = []
        var entries: [Entry] = []
        /// The last number of each partition when it was taken.
        var ends: [Int64] = []
        /// Of each partition's source when it was taken.
        var generations: [Int] = []
        /// How many records were ever taken in, with these.
        var ticket: Int64 = 0
    }

    /// What is needed of the file: all of a partition's current source from its first number on.
    struct Need: Sendable {
        var firsts: [Int64]
        var generations: [Int]

        func covers(_ entry: Entry) -> Bool {
            entry.generation == generations[entry.partition] && entry.number >= firsts[entry.partition]
        }
    }

    private(set) var bytes: [UInt8] = []
    private var entries: [Entry] = []
    /// Records taken in, and of these done with: written (or given up because the disk refused).
    private(set) var ticket: Int64 = 0
    private(set) var settled: Int64 = 0
    private(set) var generations: [Int]
    /// The disk refuses: events go on without it, each counted.
    private(set) var isFailing = false
    /// The last number of each partition's source that went on without the file.
    private var exposed: [Int64]
    var statistics = Headway.SpoolStatistics()

    init(partitions: Int) {
        generations = Array(repeating: 0, count: partitions)
        exposed = Array(repeating: 0, count: partitions)
    }

    var isEmpty: Bool { entries.isEmpty }

    /// Takes an event in that must not be sent before it is written.
    mutating func add(_ fields: FieldBuffer, partition: Int, number: Int64, at time: Timestamp) {
        guard !isFailing else {
            statistics.unspooled += 1
            exposed[partition] = number
            return
        }
        let start = bytes.count
        SpoolRecord(time: time, fields: fields).encode(into: &bytes)
        entries.append(
            Entry(
                length: bytes.count - start, partition: partition, number: number,
                generation: generations[partition]))
        ticket += 1
    }

    mutating func renew(_ partition: Int) {
        generations[partition] += 1
        exposed[partition] = 0
    }

    /// Whether the file has whatever comes after these numbers, one per partition.
    func keeps(after numbers: [Int64]) -> Bool {
        !isFailing && zip(exposed, numbers).allSatisfy { $0 <= $1 }
    }

    mutating func take(ends: [Int64]) -> Load {
        defer {
            bytes = []
            entries = []
        }
        return Load(bytes: bytes, entries: entries, ends: ends, generations: generations, ticket: ticket)
    }

    /// How far each partition may go once `load` is written. Of a source that began since, it has nothing.
    func gates(_ load: Load) -> [Int64] {
        generations.indices.map { load.generations[$0] == generations[$0] ? load.ends[$0] : 0 }
    }

    mutating func settle(_ load: Load) {
        settled = max(settled, load.ticket)
        statistics.fault = nil
        statistics.written += Int64(load.entries.count)
    }

    /// The disk refused `load`: it, and what has come since, goes on without.
    mutating func fail(_ load: Load, _ fault: HeadwayError) {
        statistics.fault = fault
        statistics.unspooled += Int64(load.entries.count + entries.count)
        for entry in load.entries + entries where entry.generation == generations[entry.partition] {
            exposed[entry.partition] = max(exposed[entry.partition], entry.number)
        }
        isFailing = true
        settled = ticket
        bytes = []
        entries = []
    }

    /// To be tried again.
    mutating func mend() { isFailing = false }
}

extension Headway {
    /// What a spool has done and holds; see ``Options/spool``.
    public struct SpoolStatistics: Sendable, Equatable {
        /// Events written to it.
        public internal(set) var written: Int64 = 0
        /// Events that went on without it because the disk refused: a crash of this process now loses those of
        /// them that are not applied.
        public internal(set) var unspooled: Int64 = 0
        /// The size of this process's own file now, in bytes; at most twice `bufferLimit` and a mebibyte.
        public internal(set) var bytes = 0
        /// Times that the file was written anew without what is not needed any more.
        public internal(set) var compactions: Int64 = 0
        /// Why it could not be written; nil again once it could.
        public internal(set) var fault: HeadwayError?

        // Of processes that died.
        /// Their files that were found and taken over.
        public internal(set) var adopted: Int64 = 0
        /// Of these, files that are done: everything applied, the failover window past, the file removed.
        public internal(set) var finished: Int64 = 0
        /// Their events that were sent again.
        public internal(set) var replayed: Int64 = 0
        /// Their events that no aggregator is known to have applied yet.
        public internal(set) var unapplied: Int64 = 0
        /// Numbers that could not be read from their files; the aggregator counts them as lost unless they had
        /// been applied.
        public internal(set) var missing: Int64 = 0
        /// Damaged places in their files. Such a file is put aside as `….damaged` once the rest is applied.
        public internal(set) var damages: Int64 = 0
        /// Bytes at the end of their files that were being written when they died; never accepted, so no loss.
        public internal(set) var tornBytes: Int64 = 0
        /// Why one of their files cannot be read, or sent, at the moment.
        public internal(set) var adoptionFault: HeadwayError?

        /// Of a spool that has done nothing yet.
        public init() {}
    }

    /// When an event that is in the spool is on the disk.
    public enum SpoolSync: String, Sendable, CaseIterable {
        /// Once a second: a crash of the process loses nothing, a power cut at most about the last second.
        case everysec
        /// Before a lifecycle call returns and before the event is sent: a power cut loses nothing either.
        case always
    }
}
