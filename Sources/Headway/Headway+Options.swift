package import EventLoop
import HeadwayWire

extension Headway {
    /// How to connect and publish. The defaults are what nearly everybody wants.
    public struct Options: Sendable {
        /// The prefix of all keys in Redis: 1 to 64 letters, digits, dots, underscores or hyphens.
        public var namespace = "hw"
        /// Who works here, as shown beside a job; at most 200 characters. `host:pid` when nil.
        public var worker: String?
        /// Only for a namespace that nobody has used yet; later the stored number counts.
        public var partitions = 8
        /// How long `connect` tries.
        public var connectTimeout = Duration.seconds(10)
        /// The least time between two sendings of one stage's progress.
        public var tickInterval = Duration.milliseconds(100)
        /// Memory for events on their way, in bytes.
        public var bufferLimit = 32 << 20
        /// How long an applied event is kept, in case Redis fails over to a replica that lacks it.
        public var failoverWindow = Duration.seconds(30)
        /// A directory in which events are also written to a file of this process, until they are applied and the
        /// failover window has passed, for workers that must survive their own crash. Nil for none.
        ///
        /// What a process leaves behind that dies is sent by the next one that uses the same directory, under its own
        /// source and numbers, so that nothing is applied twice. Any number of processes of one machine may share
        /// one; each looks for dead ones at its start and every five seconds. While the disk refuses, events go on
        /// without it and are counted (``SpoolStatistics/unspooled``).
        public var spool: String?
        /// When what is spooled is on the disk, not only with the kernel.
        public var spoolSync = SpoolSync.everysec
        /// Publishes what any error says about itself, not only a ``PublicError``.
        public var disclosesErrors = false

        /// The defaults.
        public init() {}

        /// The defaults, in a namespace of its own or under a name of its own.
        public init(namespace: String = "hw", worker: String? = nil) {
            self.namespace = namespace
            self.worker = worker
        }

        // For tests.
        package var clock: any LoopClock = SystemLoopClock()
        /// Where it runs; a loop of its own when nil.
        package var loop: EventLoop?
        package var replyTimeout = Duration.seconds(5)
        package var longestBackoff = Duration.seconds(10)
        package var holdBack = 50_000
        package var lookInterval = Duration.seconds(1)
        package var defaultHeartbeat: Duration?
        package var parking = Duration.seconds(10)

        var workerName: String { String((worker ?? WorkerName.here).unicodeScalars.prefix(WireLimits.label)) }

        func settings(_ keyspace: Keyspace, dice: LoopDice) -> Outbox.Settings {
            var settings = Outbox.Settings(keyspace: keyspace, worker: workerName)
            settings.limits.bytes = bufferLimit
            settings.rules.keep = failoverWindow
            settings.rules.holdBack = holdBack
            settings.tickInterval = tickInterval
            settings.looks = lookInterval
            settings.parking = parking
            settings.isSpooled = spool != nil
            settings.newSource = { SourceName.random(using: dice) }
            return settings
        }
    }
}
