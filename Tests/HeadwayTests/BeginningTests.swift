import HeadwayCore
import Testing

@testable import Headway

@Suite("Beginning")
struct BeginningTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var status: JobState.Status?
        var last = 1
        var limit = 3
        var code: String?
        var wanted: Int?
        /// Nil: refused as over.
        let attempt: Int?
        var goesOn = false
    }

    private static let id = JobID(unchecked: "j-1")

    static let cases = [
        Case(testDescription: "an unknown job begins with 1", attempt: 1),
        Case(testDescription: "an unknown job begins with what the queue counts", wanted: 4, attempt: 4),
        Case(testDescription: "a queued job goes on", status: .queued, attempt: 1, goesOn: true),
        Case(
            testDescription: "a running job is taken over", status: .running, last: 2, attempt: 2,
            goesOn: true),
        Case(
            testDescription: "a running job in a higher attempt begins anew", status: .running, wanted: 2,
            attempt: 2),
        Case(
            testDescription: "a lost worker's attempt goes on", status: .failed, code: "worker_lost",
            attempt: 1, goesOn: true),
        Case(testDescription: "a failed job is tried again", status: .failed, attempt: 2),
        Case(
            testDescription: "a failed job is not tried more often than allowed", status: .failed, last: 3,
            attempt: nil),
        Case(
            testDescription: "an attempt that is over stays over", status: .failed, last: 2, wanted: 2,
            attempt: nil),
        Case(
            testDescription: "a completed job is run again if its pipeline allows", status: .completed,
            attempt: 2),
        Case(testDescription: "a cancelled job is not begun by itself", status: .cancelled, attempt: nil),
        Case(
            testDescription: "a cancelled job is begun by number", status: .cancelled, wanted: 2, attempt: 2),
    ]

    @Test("decides the attempt", arguments: cases)
    func decides(_ c: Case) throws {
        var known: JobRecord?
        if let status = c.status {
            let registration = Registration(pipeline: PipelineName(name: "p"))
            var job = JobState(
                id: Self.id, registration: registration, pipeline: .init(name: "p", revision: 1),
                at: Timestamp(milliseconds: 1))
            job.status = status
            job.attempt = c.last
            if status == .failed { job.failure = .init(message: "m", code: c.code) }
            known = .job(job)
        }
        guard let attempt = c.attempt else {
            let error = #expect(throws: HeadwayError.self) {
                _ = try Beginning(id: Self.id, attempt: c.wanted, known: known, limit: c.limit)
            }
            #expect(error?.code == .ended)
            return
        }
        let beginning = try Beginning(id: Self.id, attempt: c.wanted, known: known, limit: c.limit)
        #expect(beginning.attempt == attempt)
        #expect(beginning.goesOn == c.goesOn)
    }
}
