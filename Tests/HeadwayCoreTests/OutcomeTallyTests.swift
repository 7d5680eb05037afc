import Seeded
import HeadwayCore
import Testing

@Suite("Outcomes, counted")
struct OutcomeTallyTests {
    private func job(
        _ status: JobState.Status, of pipeline: String = "plain", took seconds: Int64? = nil,
        code: String? = nil, stage: String? = nil, at percentDone: Int = 0
    ) -> JobState {
        var job = JobState(
            id: jobID, registration: Registration(pipeline: PipelineName(name: pipeline)),
            pipeline: Pipeline.Reference(name: pipeline, revision: 1), at: noon)
        job.status = status
        if let seconds {
            job.startedAt = noon
            job.finishedAt = noon.after(seconds)
        }
        if status == .failed { job.failure = JobState.Failure(message: "no", code: code, stage: stage) }
        job.fraction = percent(percentDone)
        return job
    }

    @Test(
        "each end counts by pipeline and status; a completed job by how long it took, a failed one by how far it was"
    )
    func kinds() {
        var tally = OutcomeTally()
        tally.count(job(.completed, took: 3))
        tally.count(job(.completed, took: 90))
        tally.count(job(.completed))
        tally.count(job(.cancelled, took: 1))
        tally.count(job(.failed, took: 1, code: "limit", stage: "b", at: 45))
        tally.count(job(.failed))
        tally.count(job(.running))
        #expect(
            tally.finished == [
                OutcomeTally.Ending(pipeline: "plain", status: .completed): 3,
                OutcomeTally.Ending(pipeline: "plain", status: .cancelled): 1,
                OutcomeTally.Ending(pipeline: "plain", status: .failed): 2,
            ])
        let durations = tally.durations["plain"]
        // One that never started has no duration.
        #expect(durations?.count == 2)
        #expect(durations?.sum == 93)
        #expect(durations?.counts.firstIndex(of: 1) == OutcomeTally.durationBounds.firstIndex(of: 5))
        #expect(
            tally.failures == [
                OutcomeTally.Failure(pipeline: "plain", stage: "b", code: "limit"): 1,
                OutcomeTally.Failure(pipeline: "plain", stage: "", code: ""): 1,
            ])
        #expect(tally.failedPercent["plain"]?.sum == 45)
        #expect(tally.failedPercent["plain"]?.count == 2)
    }

    @Test("codes without end make 200 label sets and one other; nothing is lost from the sum")
    func bounded() {
        var tally = OutcomeTally()
        for number in 0..<5000 {
            tally.count(job(.failed, code: "c\(number % 1000)", stage: "b"))
            tally.countRecovery(job(.running, of: "p\(number)"))
        }
        #expect(tally.failures.count == OutcomeTally.labelLimit + 1)
        #expect(tally.failures.values.reduce(0, +) == 5000)
        let other = OutcomeTally.Failure(
            pipeline: "plain", stage: OutcomeTally.other, code: OutcomeTally.other)
        #expect(tally.failures[other] == 4000)
        #expect(tally.recovered.count <= OutcomeTally.labelLimit + 1)
        #expect(tally.recovered.values.reduce(0, +) == 5000)
    }

    @Test(
        "pipelines that are expected are counted from 0, also when one has ended jobs already; never beyond the bound"
    )
    func expected() {
        var tally = OutcomeTally()
        tally.count(job(.failed, code: JobState.Failure.workerLost))
        #expect(tally.lost == ["plain": 1])
        tally.expect(["plain", "page"])
        #expect(tally.lost == ["plain": 1, "page": 0])
        #expect(tally.recovered == ["plain": 0, "page": 0])
        #expect(tally.finished[OutcomeTally.Ending(pipeline: "plain", status: .failed)] == 1)
        #expect(tally.finished[OutcomeTally.Ending(pipeline: "plain", status: .completed)] == 0)
        #expect(tally.finished.count == 6)
        let once = tally
        tally.expect(["plain", "page"])
        #expect(tally == once && !tally.isEmpty)
        tally.expect((0..<5000).map { "p\($0)" })
        #expect(tally.lost.count == OutcomeTally.labelLimit)
        var silent = OutcomeTally()
        silent.expect(["plain"])
        #expect(silent.isEmpty)
    }

    @Test("in any history no counter ever falls, and the ends add up", arguments: [1, 2, 3] as [UInt64])
    func rises(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var tally = OutcomeTally()
        var ends: Int64 = 0
        for step in 0..<3000 {
            let before = tally
            let status = JobState.Status.allCases[Int(random.next() % 5)]
            tally.count(
                job(
                    status, of: "p\(random.next() % 300)", took: Int64(random.next() % 100_000),
                    code: "c\(random.next() % 400)", at: Int(random.next() % 101)))
            if status.isTerminal { ends += 1 }
            #expect(tally.finished.values.reduce(0, +) == ends, "seed \(seed), step \(step)")
            #expect(before.finished.allSatisfy { $0.value <= tally.finished[$0.key] ?? 0 }, "seed \(seed)")
            #expect(before.failures.allSatisfy { $0.value <= tally.failures[$0.key] ?? 0 }, "seed \(seed)")
        }
    }

    @Test("a value on a bound belongs below it, one above all to the last range")
    func ranges() {
        var histogram = Histogram(bounds: [1, 2])
        for value in [0, 1, 1.5, 2, 3.0] { histogram.add(value) }
        #expect(histogram.counts == [2, 2, 1])
        #expect(histogram.count == 5)
        #expect(histogram.sum == 7.5)
        var both = histogram
        both.add(histogram)
        #expect(both.counts == [4, 4, 2] && both.sum == 15)
        both.add(Histogram(bounds: [1]))
        #expect(both.counts == [4, 4, 2])
    }
}
