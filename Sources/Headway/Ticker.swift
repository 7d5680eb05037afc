import EventLoop
import Synchronization

/// Where slots with something to send are listed, from any thread, without touching the outbox's lock.
final class Ticker: TickTaker {
    private let arrivals = Mutex<[TickSlot]>([])
    private let bell: Doorbell

    init(bell: Doorbell) { self.bell = bell }

    /// Rings once per burst.
    func list(_ slot: TickSlot) {
        let isFirst = arrivals.withLock {
            $0.append(slot)
            return $0.count == 1
        }
        if isFirst { bell.ring() }
    }

    func takeAll() -> [TickSlot] {
        arrivals.withLock {
            let slots = $0
            $0.removeAll()
            return slots
        }
    }
}
