import Glibc

/// One world after the other, and what came of them all.
struct Simulation {
    let wishes: Wishes

    init(_ wishes: Wishes) { self.wishes = wishes }

    /// - Returns: whether all is as it should be.
    func run() -> Bool {
        CurrentSeed.watch()
        var steps = 0
        var faults = 0
        var jobs = 0
        var wrong = 0
        var counts: [String: Int] = [:]
        var digest = Digest()
        let began = ContinuousClock.now
        var saidAt = began
        for seed in wishes.seeds {
            CurrentSeed.set(seed)
            var settings = wishes.settings
            settings.seed = seed
            let outcome = Course(settings).run()
            steps += outcome.steps
            faults += outcome.faults
            jobs += outcome.jobs
            counts.merge(outcome.counts) { $0 + $1 }
            digest.add(outcome.digest)
            if let violation = outcome.violation {
                if let control = wishes.control {
                    print(
                        "without \(control): seed \(seed) notices after \(outcome.steps) steps: \(violation)")
                    if wishes.shrinks { report(settings, outcome) }
                    return true
                }
                if wishes.goesOn {
                    wrong += 1
                    print("VIOLATION, seed \(seed), after \(outcome.steps) steps: \(violation)")
                    continue
                }
                report(settings, outcome)
                return false
            }
            if wishes.isTwice {
                let again = Course(settings).run()
                steps += again.steps
                guard again == outcome else {
                    print(
                        "seed \(seed) is not repeatable: \(outcome.steps) steps to \(outcome.digest), then \(again.steps) to \(again.digest)"
                    )
                    return false
                }
            }
            if ContinuousClock.now - saidAt > .seconds(10) {
                saidAt = .now
                print("seed \(seed): \(steps) steps so far")
                fflush(nil)
            }
        }
        if let control = wishes.control {
            print("without \(control): NOT NOTICED by seeds \(wishes.seeds)")
            return false
        }
        let took = ContinuousClock.now - began
        let rate = Int(Double(steps) / (took / .seconds(1)))
        for (name, count) in counts.sorted(by: { $0.key < $1.key }) {
            print("\(name)\(String(repeating: " ", count: max(1, 24 - name.count)))\(count)")
        }
        print(
            "\(wishes.seeds.count) seeds\(wishes.isTwice ? ", each twice to the same end" : ""): \(steps) steps, "
                + "\(faults) faults, \(jobs) jobs, \(wrong) violations; \(rate) steps/s, digest \(String(digest.value, radix: 16))"
        )
        return wrong == 0
    }

    private func report(_ settings: Settings, _ outcome: Course.Outcome) {
        print("VIOLATION, seed \(settings.seed), after \(outcome.steps) steps and \(outcome.faults) faults:")
        print("    \(outcome.violation ?? "")")
        var (smallest, shown) =
            wishes.settings.isTracing ? (settings, outcome) : Shrink.smallest(of: settings, outcome)
        if !smallest.isTracing {
            smallest.isTracing = true
            shown = Course(smallest).run()
        }
        for line in shown.lastWords { print(line.prefix(600)) }
        let control = wishes.control.map { "--control \($0) " } ?? ""
        print("\nagain: Simulation \(control)\(smallest.text)\n    \(shown.violation ?? "")")
    }
}

/// What is said when a trap ends the program: which world it was.
enum CurrentSeed {
    nonisolated(unsafe) private static var digits: [UInt8] = []

    static func set(_ seed: UInt64) {
        unsafe digits = Array("\ntrapped in seed \(seed)\n".utf8)
    }

    static func watch() {
        for number in [SIGILL, SIGTRAP, SIGSEGV, SIGABRT] {
            signal(number) { number in
                _ = unsafe CurrentSeed.digits.withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count) }
                signal(number, SIG_DFL)
                raise(number)
            }
        }
    }
}
