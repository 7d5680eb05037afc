import Testing

@testable import Headway

@Suite("PartitionSender")
struct PartitionSenderTests {
    private func sender(_ items: Int, holdBack: Int = 1_000) -> PartitionSender<Int> {
        var sender = PartitionSender<Int>(source: "s", rules: .init(holdBack: holdBack))
        for item in 0..<items { sender.add(item + 1, cost: 10, at: .zero) }
        return sender
    }

    @Test("counts from 1 and hands out contiguous runs, one at a time")
    func runs() {
        var sender = sender(5)
        let first = sender.next(count: 3, bytes: 1_000, at: .zero)
        #expect(first == .init(first: 1, last: 3))
        #expect(sender.next(count: 3, bytes: 1_000, at: .zero) == nil)
        sender.acknowledge(.init(first: 1, last: 3))
        #expect(sender.next(count: 3, bytes: 1_000, at: .zero) == .init(first: 4, last: 5))
    }

    @Test("a run ends at the bytes of a batch, but holds one item at least")
    func bytes() {
        var sender = sender(5)
        #expect(sender.next(count: 100, bytes: 25, at: .zero) == .init(first: 1, last: 2))
        sender.acknowledge(.init(first: 1, last: 2))
        #expect(sender.next(count: 100, bytes: 1, at: .zero) == .init(first: 3, last: 3))
    }

    @Test("an acknowledged item is kept until the mark has been past it for the failover window")
    func keeps() {
        var sender = sender(3)
        sender.acknowledge(sender.next(count: 9, bytes: 1_000, at: .zero)!)
        #expect(sender.see(2, at: .seconds(1)) == .advanced)
        sender.release(at: .seconds(30))
        #expect(sender.backlog.count == 3)
        sender.release(at: .seconds(31))
        #expect(sender.backlog.first == 3)
        #expect(sender.takeFreed() == 20)
        #expect(sender.takeFreed() == 0)
    }

    @Test("a mark that falls sends everything above it again, and says what is kept no more")
    func rollsBack() {
        var sender = sender(4)
        sender.acknowledge(sender.next(count: 9, bytes: 1_000, at: .zero)!)
        #expect(sender.see(4, at: .seconds(1)) == .advanced)
        #expect(sender.see(2, at: .seconds(2)) == .rolledBack(lost: 0))
        #expect(sender.next(count: 9, bytes: 1_000, at: .seconds(2)) == .init(first: 3, last: 4))
        #expect(sender.resent == 2)
        sender.acknowledge(.init(first: 3, last: 4))
        _ = sender.see(4, at: .seconds(3))
        sender.release(at: .seconds(40))
        #expect(sender.see(1, at: .seconds(50)) == .rolledBack(lost: 3))
        #expect(sender.next(count: 9, bytes: 1_000, at: .seconds(50)) == nil)
    }

    @Test("an item that was rolled back is kept for a whole window again")
    func keepsAgain() {
        var sender = sender(4)
        sender.acknowledge(sender.next(count: 9, bytes: 1_000, at: .zero)!)
        _ = sender.see(4, at: .zero)
        _ = sender.see(2, at: .seconds(20))
        sender.release(at: .seconds(31))
        #expect(sender.backlog.first == 1)
        sender.release(at: .seconds(50))
        #expect(sender.backlog.first == 3)
    }

    @Test("a new connection sends everything above the mark again, acknowledged or not")
    func reconnects() {
        var sender = sender(5)
        sender.acknowledge(sender.next(count: 3, bytes: 1_000, at: .zero)!)
        _ = sender.next(count: 1, bytes: 1_000, at: .zero)
        _ = sender.reconnect(mark: 1, at: .seconds(1))
        #expect(sender.next(count: 9, bytes: 1_000, at: .seconds(1)) == .init(first: 2, last: 5))
        #expect(sender.resent == 3)
    }

    @Test("what a late piece of an old connection brought is not sent again")
    func skipsAhead() {
        var sender = sender(5)
        _ = sender.next(count: 5, bytes: 1_000, at: .zero)
        _ = sender.reconnect(mark: 0, at: .seconds(1))
        _ = sender.see(3, at: .seconds(2))
        #expect(sender.next(count: 9, bytes: 1_000, at: .seconds(2)) == .init(first: 4, last: 5))
    }

    @Test("too much unapplied holds the rest back until the mark moves")
    func holdsBack() {
        var sender = sender(5, holdBack: 2)
        sender.acknowledge(sender.next(count: 9, bytes: 1_000, at: .zero)!)
        #expect(sender.isHoldingBack)
        #expect(sender.next(count: 9, bytes: 1_000, at: .zero) == nil)
        _ = sender.see(1, at: .zero)
        #expect(sender.next(count: 9, bytes: 1_000, at: .zero) == .init(first: 3, last: 3))
    }

    @Test(
        "a server that forgot more than is kept here gets what is kept, and does not hold back the rest for ever"
    )
    func forgetful() {
        var sender = sender(5, holdBack: 3)
        for mark in [3, 5] as [Int64] {
            sender.acknowledge(sender.next(count: 9, bytes: 1_000, at: .zero)!)
            _ = sender.see(mark, at: .zero)
        }
        sender.release(at: .seconds(30))
        sender.add(6, cost: 10, at: .seconds(30))
        #expect(sender.reconnect(mark: 0, at: .seconds(31)) == .rolledBack(lost: 5))
        #expect(!sender.isHoldingBack)
        #expect(sender.next(count: 9, bytes: 1_000, at: .seconds(31)) == .init(first: 6, last: 6))
    }

    @Test("behind a gate nothing goes out before it is opened, not under a new name either")
    func gated() {
        var sender = sender(3)
        sender.open(upTo: 0)
        #expect(sender.next(count: 9, bytes: 1_000, at: .zero) == nil)
        sender.open(upTo: 2)
        #expect(sender.next(count: 9, bytes: 1_000, at: .zero) == .init(first: 1, last: 2))
        sender.acknowledge(.init(first: 1, last: 2))
        sender.open(upTo: nil)
        sender.acknowledge(sender.next(count: 9, bytes: 1_000, at: .zero)!)
        _ = sender.see(3, at: .zero)
        sender.release(at: .seconds(30))
        sender.open(upTo: 3)
        sender.renew(as: "t", at: .seconds(12 * 3600))
        sender.add(1, cost: 10, at: .seconds(12 * 3600))
        #expect(sender.next(count: 9, bytes: 1_000, at: .seconds(12 * 3600)) == nil)
    }

    @Test("a parked partition rests, and is tried again with what it was refused")
    func parks() {
        var sender = sender(2)
        let run = sender.next(count: 9, bytes: 1_000, at: .zero)!
        sender.park(run, until: .seconds(10))
        #expect(sender.next(count: 9, bytes: 1_000, at: .seconds(9)) == nil)
        #expect(sender.next(count: 9, bytes: 1_000, at: .seconds(10)) == run)
    }

    @Test("a mark beyond what was ever sent is somebody else's, and is cut")
    func foreignMark() {
        var sender = sender(2)
        _ = sender.next(count: 1, bytes: 1_000, at: .zero)
        _ = sender.reconnect(mark: 70, at: .zero)
        #expect(sender.mark == 1)
        #expect(sender.next(count: 9, bytes: 1_000, at: .zero) == .init(first: 2, last: 2))
    }

    @Test("after half a day of silence it begins again from 1 under a new name, never before it is empty")
    func renews() {
        var sender = sender(1)
        #expect(!sender.wantsRenewal(at: .seconds(13 * 3600)))
        sender.acknowledge(sender.next(count: 9, bytes: 1_000, at: .zero)!)
        _ = sender.see(1, at: .zero)
        sender.release(at: .seconds(30))
        #expect(!sender.wantsRenewal(at: .seconds(11 * 3600)))
        #expect(sender.wantsRenewal(at: .seconds(12 * 3600)))
        sender.renew(as: "t", at: .seconds(12 * 3600))
        sender.add(1, cost: 10, at: .seconds(12 * 3600))
        #expect(sender.source == "t")
        #expect(sender.next(count: 9, bytes: 1_000, at: .seconds(12 * 3600)) == .init(first: 1, last: 1))
    }
}
