import Headway

/// One publisher process of the end-to-end row: jobs through the real worker library, 16 at a time.
struct BenchPublisher: Sendable {
    private let url: String
    private let number: Int
    private let jobs: Int

    init(_ words: [String]) throws {
        guard words.count == 4, let number = Int(words[2]), let jobs = Int(words[3]) else {
            throw UsageError("publisher wants URL NUMBER JOBS")
        }
        url = words[1]
        self.number = number
        self.jobs = jobs
    }

    func run() async throws {
        let headway = try await Headway.connect(url)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in 0..<16 {
                group.addTask {
                    for job in stride(from: lane, to: jobs, by: 16) {
                        let job = try await headway.start(
                            Book.self, id: "e2e-\(number)-\(job)", in: "bulk-\(job % 20)", attempt: 1)
                        for stage in Book.Stage.allCases {
                            try await job.run(stage) { handle in
                                for step in 1...10 { handle.report(step, of: 10, "Step \(step)") }
                            }
                        }
                        try await job.complete(result: "done")
                    }
                }
            }
            try await group.waitForAll()
        }
        try await headway.close(within: .seconds(120))
    }
}
