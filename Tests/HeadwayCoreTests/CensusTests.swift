import Seeded
import HeadwayCore
import Seeded
import Testing

@Suite("A census of open jobs")
struct CensusTests {
    private static let writing = Census.Standing.running(pipeline: "article", .ok)
    private static let waiting = Census.Standing.queued(pipeline: "article")

    @Test("a move takes one from where it was and adds one where it is; zeros are not kept")
    func moves() {
        var census = Census()
        census.move(from: nil, to: .held)
        census.move(from: .held, to: Self.waiting)
        census.move(from: nil, to: Self.waiting)
        census.move(from: Self.waiting, to: Self.writing)
        census.move(from: Self.writing, to: Self.writing)
        #expect(census.counts == [Self.waiting: 1, Self.writing: 1])
        #expect(census.total == 2)
        census.move(from: Self.writing, to: nil)
        census.move(from: Self.waiting, to: nil)
        #expect(census == Census())
    }

    @Test("what was never counted cannot be taken away")
    func neverNegative() {
        var census = Census()
        census.move(from: Self.writing, to: Self.waiting)
        census.move(from: Self.writing, to: nil)
        #expect(census.counts == [Self.waiting: 1])
        #expect(Census([Self.waiting: 0, Self.writing: -3]).counts.isEmpty)
    }

    @Test("partitions add up")
    func sum() {
        let a = Census([Self.writing: 2, .held: 1])
        let b = Census([Self.writing: 3, Self.waiting: 4])
        #expect((a + b).counts == [Self.writing: 5, .held: 1, Self.waiting: 4])
        #expect(a + b == b + a)
    }

    @Test(
        "in any history the moves of a job add up to what it stands for",
        arguments: 1...40 as ClosedRange<UInt64>)
    func history(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let events = Vocabulary(.plain).events
        var records = [JobRecord](repeating: .unknown, count: 6)
        var census = Census()
        for step in 0..<400 {
            let place = Int(random.next() % 6)
            let before = records[place].standing
            let event = events[Int(random.next() % UInt64(events.count))]
            if random.next() % 7 == 0 {
                _ = records[place].fire(jobID, at: noon.after(Int64(step) * 60), catalog: catalog)
            } else {
                _ = records[place].apply(
                    jobID, event, at: noon.after(Int64(step) * 60), catalog: catalog)
            }
            census.move(from: before, to: records[place].standing)
            var counted = Census()
            for record in records { counted.move(from: nil, to: record.standing) }
            #expect(census == counted, "seed \(seed), step \(step)")
        }
    }

    @Test("ended and unknown jobs stand nowhere, a placeholder is held, a running one has its health")
    func standings() {
        var job = JobState(
            id: jobID, registration: Registration(pipeline: PipelineName(name: "article")),
            pipeline: Pipeline.Reference(name: "article", revision: 3), at: noon)
        #expect(JobRecord.job(job).standing == Self.waiting)
        job.status = .running
        job.health = .stalled
        #expect(job.standing == .running(pipeline: "article", .stalled))
        for status in JobState.Status.allCases where status.isTerminal {
            job.status = status
            #expect(job.standing == nil)
        }
        #expect(JobRecord.unknown.standing == nil)
        #expect(JobRecord.placeholder(JobRecord.Placeholder(since: noon)).standing == .held)
    }
}
