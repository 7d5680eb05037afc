import Seeded
import Testing

@testable import Redis

@Suite("PendingCalls")
struct PendingCallsTests {
    @Test("keeps the order, however it grows and wraps around", arguments: 0..<10)
    func order(_ seed: UInt64) async {
        var random = SplitMix64(seed: seed)
        var calls = PendingCalls()
        var model: [Int] = []
        var next = 1
        for _ in 0..<2_000 {
            if Bool.random(using: &random) || model.isEmpty {
                for _ in 0..<Int.random(in: 1...9, using: &random) {
                    calls.append(await Self.call(next))
                    model.append(next)
                    next += 1
                }
            } else {
                for _ in 0..<Int.random(in: 1...min(12, model.count), using: &random) {
                    #expect(calls.first?.commands == model.first)
                    calls.removeFirst()
                    model.removeFirst()
                }
            }
            #expect(calls.count == model.count)
            #expect(calls.nextDeadline == model.min().map { .seconds($0) })
        }
        #expect(calls.removeAll().map(\.commands) == model)
        #expect(calls.isEmpty)
        #expect(calls.first == nil)
    }

    /// A call whose waiter has been told already: only its place counts here.
    private static func call(_ number: Int) async -> PendingCall {
        var call: PendingCall?
        _ = await unsafe withUnsafeContinuation { waiter in
            call = unsafe PendingCall(commands: number, deadline: .seconds(number), waiter: .one(waiter))
            unsafe waiter.resume(returning: .failure(RedisError(.closed, command: "", detail: "")))
        }
        guard let call else { fatalError("withUnsafeContinuation did not run its body") }
        return call
    }
}
