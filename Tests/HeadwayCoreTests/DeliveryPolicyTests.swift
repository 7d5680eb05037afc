import Seeded
import HeadwayCore
import Testing

@Suite("DeliveryPolicy")
struct DeliveryPolicyTests {
    let policy = DeliveryPolicy(base: .seconds(1), cap: .seconds(300), patience: .seconds(86_400))

    @Test("2xx is done, whatever came before; 410 is the end", arguments: [200, 201, 204, 299])
    func done(_ status: Int) {
        var random = SplitMix64(seed: 1)
        #expect(
            policy.verdict(
                .answered(status: status, retryAfter: nil), tries: 9, age: .seconds(90_000), using: &random)
                == .done)
        guard
            case .giveUp = policy.verdict(
                .answered(status: 410, retryAfter: .seconds(5)), tries: 1, age: .zero, using: &random)
        else {
            Issue.record("410 is tried again")
            return
        }
    }

    @Test(
        "all else waits: at most the ceiling, never past the patience, never before what was asked for",
        arguments: 1...300)
    func waits(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let tries = Int.random(in: 1...100, using: &random)
        let age = Duration.seconds(Int64.random(in: 0...86_399, using: &random))
        let asked: Duration? =
            Bool.random(using: &random) ? .seconds(Int64.random(in: 0...900, using: &random)) : nil
        let status = [301, 302, 400, 404, 408, 429, 500, 503].randomElement(using: &random) ?? 500
        let outcomes: [DeliveryOutcome] = [.answered(status: status, retryAfter: asked), .failed("no route")]
        for outcome in outcomes {
            guard case .retry(let wait) = policy.verdict(outcome, tries: tries, age: age, using: &random)
            else {
                Issue.record("seed \(seed): \(outcome) is not tried again")
                continue
            }
            var named = Duration.zero
            if case .answered(_, let after?) = outcome { named = after }
            #expect(wait <= max(policy.ceiling(tries), named), "seed \(seed)")
            #expect(wait >= min(named, policy.patience - age), "seed \(seed)")
            #expect(age + wait <= policy.patience, "seed \(seed)")
        }
    }

    @Test("the ceiling doubles up to the cap, for any number of tries")
    func ceilings() {
        #expect(
            (1...11).map { policy.ceiling($0) }
                == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300].map { .seconds($0) })
        #expect(policy.ceiling(Int.max) == .seconds(300))
        #expect(policy.ceiling(0) == .seconds(1))
    }

    @Test("after the patience it is given up, with the last reason")
    func patience() {
        var random = SplitMix64(seed: 1)
        #expect(
            policy.verdict(.failed("connection refused"), tries: 99, age: .seconds(86_400), using: &random)
                == .giveUp("connection refused, for 1d now, the limit"))
    }
}
