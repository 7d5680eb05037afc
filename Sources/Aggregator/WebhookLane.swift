import EventLoop
import HeadwayCore
import HeadwayWire

/// What one receiver has yet to get from one partition's outbox: a window on the stream, read as far as there is
/// room. Lives on the courier's loop.
final class WebhookLane {
    /// One entry on its way.
    final class Letter {
        enum State: Equatable {
            /// Until then it waits.
            case waiting(until: Duration)
            case posting
            /// Posted, or given up; Redis is being told.
            case settling
        }

        let id: StreamID
        let entry: OutboxEntry
        /// When the event happened, by the loop's clock.
        let bornAt: Duration
        var tries = 0
        var state: State

        init(_ id: StreamID, _ entry: OutboxEntry, bornAt: Duration, now: Duration) {
            self.id = id
            self.entry = entry
            self.bornAt = bornAt
            state = .waiting(until: now)
        }
    }

    /// Most letters held, and about how many bytes; what is behind them stays in Redis.
    static let window = 128
    static let byteWindow = 1 << 20
    /// Entries asked for in one read.
    static let readCount = 32

    let partition: Int
    /// Its place among the receivers.
    let receiver: Int
    /// Whether the partition is still ours.
    var isOpen = true
    var cursor = StreamID.zero
    var isReading = false
    /// Whether the stream may go on behind the cursor.
    var mayHaveMore = true
    /// After an error of Redis: not before then.
    var readAgainAt = Duration.zero
    var letters: [StreamID: Letter] = [:]
    var alarm: LoopTimer?
    private var bytes = 0

    init(partition: Int, receiver: Int) {
        self.partition = partition
        self.receiver = receiver
    }

    var hasRoom: Bool { letters.count < Self.window && bytes < Self.byteWindow }

    func add(_ letter: Letter) {
        letters[letter.id] = letter
        bytes += letter.entry.body.count
    }

    func remove(_ letter: Letter) {
        guard letters.removeValue(forKey: letter.id) != nil else { return }
        bytes -= letter.entry.body.count
    }

    /// Letters that may be posted now, oldest first.
    func due(at now: Duration) -> [Letter] {
        letters.values.filter { if case .waiting(let until) = $0.state { until <= now } else { false } }
            .sorted { $0.id < $1.id }
    }

    /// When the next thing is to be done; nil when only news can change anything.
    func nextDue(after now: Duration) -> Duration? {
        var next: Duration?
        for letter in letters.values {
            guard case .waiting(let until) = letter.state, until > now else { continue }
            next = min(next ?? until, until)
        }
        if mayHaveMore, !isReading, hasRoom, readAgainAt > now {
            next = min(next ?? readAgainAt, readAgainAt)
        }
        return next
    }
}
