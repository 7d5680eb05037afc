import Seeded
import Testing

@testable import EventLoop

@Suite("TimerQueue")
struct TimerQueueTests {
    @Test(
        "gives back what is due in order of deadline, then of age, over random histories", arguments: 1...200)
    func agreesWithASortedList(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var queue = TimerQueue<Int>()
        var model: [(deadline: Duration, value: Int)] = []
        var ids: [Int: TimerQueue<Int>.ID] = [:]
        var now = Duration.zero

        for value in 0..<300 {
            switch random.next() % 4 {
            case 0, 1:
                let deadline = now + .milliseconds(Int.random(in: 0...50, using: &random))
                ids[value] = queue.add(value, at: deadline)
                model.append((deadline, value))
            case 2:
                guard let victim = model.randomElement(using: &random), let id = ids[victim.value] else {
                    continue
                }
                let cancelled = queue.cancel(id) != nil
                let again = queue.cancel(id) != nil
                #expect(cancelled && !again)
                model.removeAll { $0.value == victim.value }
            default:
                now += .milliseconds(Int.random(in: 0...20, using: &random))
                let due = model.filter { $0.deadline <= now }
                    .sorted { ($0.deadline, $0.value) < ($1.deadline, $1.value) }.map(\.value)
                model.removeAll { $0.deadline <= now }
                var popped: [Int] = []
                while let next = queue.popDue(at: now) { popped.append(next) }
                #expect(popped == due)
            }
            let next = queue.next()
            #expect(queue.count == model.count)
            #expect(next == model.map(\.deadline).min())
        }
    }
}
