import HeadwayCore
import Testing

/// The promise to producers who deliver at least once: over all pairs of words, in many states.
@Suite("A word that is heard again")
struct RepetitionLawTests {
    struct Place: Sendable, CustomTestStringConvertible {
        let pipeline: Pipeline
        let beginning: Beginning
        var testDescription: String { "\(pipeline.name), \(beginning)" }
    }

    static let places = Pipeline.four.flatMap { pipeline in
        Beginning.all(of: pipeline).map { Place(pipeline: pipeline, beginning: $0) }
    }

    /// Later than all that happened before, and the same for all: time is not what these laws are about.
    static let now = noon.after(601)

    /// Refusals that the next word can make untrue, as a missing stage that arrives.
    static let passing: Set<Refusal> = [.skippedStage, .malformed, .late]

    @Test(
        "changes nothing: e, e is e, and e, f, e is e, f; once refused, it left no trace", arguments: places)
    func repeats(_ place: Place) throws {
        let events = Vocabulary(place.pipeline).events
        let start = place.beginning.record
        try #require(events.count > 80)
        for e in events {
            let (once, first) = start.after(e, at: Self.now)
            if case .refused = first.verdict {
                guard once == start else {
                    Issue.record("refused, yet changed: \(e)")
                    return
                }
            }
            if first.verdict == .unchanged, once.job?.version != start.job?.version {
                Issue.record("unchanged, yet a new version: \(e)")
            }
            guard once.after(e, at: Self.now).record == once else {
                Issue.record("e, e is not e: \(e)")
                return
            }
            for f in events {
                let (twice, _) = once.after(f, at: Self.now)
                let (again, last) = twice.after(e, at: Self.now)
                if case .refused(let reason) = first.verdict {
                    // It was never accepted, so it is news if f made room for it; most refusals stand.
                    guard again == twice || Self.passing.contains(reason) else {
                        Issue.record("refused as \(reason), then \(last.verdict): \(e) after \(f)")
                        return
                    }
                } else if again != twice {
                    Issue.record("e, f, e is not e, f:\n\(e)\n\(f)\n\(last.verdict) \(last.transitions)")
                    return
                }
            }
        }
    }
}
