import Glibc

/// What turns a driven loop: it brings time, chance, and the other end of every connection.
///
/// A program whose loops are all driven, by one thread, does the same again when its driver does: that is what the
/// simulation in `Tests/Simulation` runs the real actors on.
package protocol LoopDriver: AnyObject, Sendable {
    var clock: any LoopClock { get }

    func random() -> UInt64

    /// Begins a connection. `handle` is called on `loop`, never from within this call.
    ///
    /// - Parameter address: as the endpoint describes itself.
    func connect(
        to address: String, from loop: EventLoop, _ handle: @escaping (LoopStreamEvent) -> Void
    ) -> any LoopStream
}

/// The near end of a driven loop's connection. Lives on the loop.
package protocol LoopStream: AnyObject {
    func write(_ bytes: [UInt8])
    /// No event follows. Idempotent.
    func close()
}

package enum LoopStreamEvent {
    case connected
    case arrived(ArraySlice<UInt8>)
    /// Nothing follows.
    case ended(String)
}

/// Chance for whoever lives on a loop: the system's own, or the driver's.
package struct LoopDice: RandomNumberGenerator, Sendable {
    private let driver: (any LoopDriver)?
    private var system = SystemRandomNumberGenerator()

    fileprivate init(_ driver: (any LoopDriver)?) { self.driver = driver }

    package mutating func next() -> UInt64 { driver?.random() ?? system.next() }
}

extension EventLoop {
    package var dice: LoopDice { LoopDice(driver) }

    // MARK: For the driver

    /// Whether ``turn()`` has something to run.
    package var isReady: Bool { !turns.isEmpty }

    /// When the next timer is due; nil when none is set.
    package var nextTimer: Duration? { timers.next() }

    /// Runs the earliest timer that is due. Driven loops only.
    ///
    /// - Returns: false when none is.
    @discardableResult
    package func fireTimer() -> Bool {
        // Before the timers are touched: they belong to the loop's thread.
        precondition(driver != nil, "the event loop \(name) has a thread of its own")
        guard let body = timers.popDue(at: clock.now) else { return false }
        asIfOnLoop(body)
        return true
    }
}

/// Work in the order it came, of one thread.
struct DrivenQueue {
    /// Taken ones are nil at once: what goes with work may add more, which nobody may do while the queue is changed.
    private var work: [EventLoop.Work?] = []
    private var head = 0
    private let home = pthread_self()

    var isEmpty: Bool { head == work.count }

    mutating func add(_ more: EventLoop.Work) {
        // Whatever comes from elsewhere comes at a moment that no seed decides.
        precondition(pthread_self() == home, "work for a driven loop from another thread")
        work.append(more)
    }

    mutating func next() -> EventLoop.Work? {
        guard head < work.count else { return nil }
        let next = work[head]
        work[head] = nil
        head += 1
        if head == work.count {
            work.removeAll(keepingCapacity: true)
            head = 0
        }
        return next
    }
}
