extension Headway {
    /// What a `Headway` has done and what it holds: numbers for a metrics page, and for the question "is it through?".
    public struct Statistics: Sendable, Equatable {
        /// Calls of `report` and `substep` that are accounted for.
        public internal(set) var reports: Int64 = 0
        /// Of these, values that a newer one replaced before they were sent.
        public internal(set) var conflated: Int64 = 0
        /// Reports outside their bounds, or behind what was reported before.
        public internal(set) var corrected: Int64 = 0
        /// Events taken into the buffer: lifecycle events and the ticks that were sent.
        public internal(set) var events: Int64 = 0
        /// Events written to Redis, repetitions included; beats not.
        public internal(set) var sent: Int64 = 0
        /// Of these, repetitions after a failure.
        public internal(set) var resent: Int64 = 0
        /// Signs of life sent for open jobs.
        public internal(set) var heartbeats: Int64 = 0
        /// Commands that Redis answered with an error.
        public internal(set) var refused: Int64 = 0
        /// Connections made, the first included.
        public internal(set) var connections: Int64 = 0
        /// How often Redis was found to have fallen back to an earlier state.
        public internal(set) var rollbacks: Int64 = 0
        /// Events that such a fall took and that were no longer kept here.
        public internal(set) var lost: Int64 = 0
        /// Applied events that left the buffer before the failover window had passed, because it was full.
        public internal(set) var evicted: Int64 = 0
        /// How often a lifecycle call had to wait for room.
        public internal(set) var waits: Int64 = 0

        // As it stands.
        /// Whether there is a connection to Redis now.
        public internal(set) var isConnected = false
        /// Jobs that beat.
        public internal(set) var openJobs = 0
        /// Events that Redis has not acknowledged on this connection.
        public internal(set) var unacknowledged: Int64 = 0
        /// Events that no aggregator is known to have applied.
        public internal(set) var unapplied: Int64 = 0
        /// Events that wait because too many are unapplied in their partition.
        public internal(set) var heldBack: Int64 = 0
        /// What events on their way take of the memory that they may take.
        public internal(set) var bufferedBytes = 0
        /// The memory that they may take: ``Headway/Options/bufferLimit``.
        public internal(set) var bufferLimit = 0
        /// The applied mark of each partition: events of the current source up to this number are applied.
        public internal(set) var marks: [Int64] = []
        /// What a person must mend before events can go on; they are kept meanwhile.
        public internal(set) var fault: HeadwayError?
        /// Of the spool, and of what is sent again for processes that died; nil without one.
        public internal(set) var spool: SpoolStatistics?
        /// Whether what Redis has not acknowledged is all in a spool.
        var isKept = false
    }
}

extension OutboxState {
    var statistics: Headway.Statistics {
        var statistics = counters
        statistics.events = queue.count
        statistics.resent = queue.resent
        statistics.rollbacks = queue.rollbacks
        statistics.lost = queue.lost
        statistics.evicted = queue.evicted
        statistics.isConnected = isConnected
        statistics.openJobs = jobs.count
        statistics.unacknowledged = queue.unacknowledged
        statistics.unapplied = queue.unapplied
        statistics.heldBack = queue.heldBack
        statistics.bufferedBytes = queue.bytes
        statistics.bufferLimit = settings.limits.bytes
        statistics.marks = queue.senders.map(\.mark)
        statistics.fault = fault
        statistics.spool = spool?.statistics
        statistics.isKept = spool?.keeps(after: queue.senders.map(\.acknowledged)) ?? false
        return statistics
    }
}
