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
        /// Publishes what any error says about itself, not only a ``PublicError``.
        public var disclosesErrors = false

        public init() {}

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
            settings.newSource = { SourceName.random(using: dice) }
            return settings
        }
    }
}
