import Glibc
import Headway

/// A worker of the book pipeline that can be killed anywhere, and the next one goes on where it was.
///
///     ContractWorker REDIS JOB LOG [STAGE UNIT]
///
/// Each stage is four units of work. A unit that is done is one line `STAGE UNIT` in LOG; work that was done is not
/// done again. With STAGE and UNIT it stops in its tracks once that unit is done and reported: it says `holding`,
/// and waits to be killed.
@main
enum ContractWorker {
    enum Book: PipelineContract {
        static let name = "book"
        enum Stage: String, CaseIterable, Sendable {
            case analyzing = "ANALYZING"
            case generatingScenes = "GENERATING_SCENES"
            case creatingArtwork = "CREATING_ARTWORK"
        }
    }

    static func main() async throws {
        let words = CommandLine.arguments
        guard words.count >= 4 else { fatalError("usage: ContractWorker REDIS JOB LOG [STAGE UNIT]") }
        let (redis, id, log) = (words[1], words[2], words[3])
        let holdAt = words.count >= 6 ? (words[4], Int(words[5])) : nil

        let headway = try await Headway.connect(redis)
        let past = try await headway.resume(id)
        say("resumes \(past?.completedStages ?? []) \(past?.stage ?? "-") \(past?.checkpoint ?? "-")")
        let job = try await headway.start(Book.self, id: id)
        for stage in Book.Stage.allCases where past?.hasCompleted(stage) != true {
            // What the last worker got done of this stage, if it was this one that it died in.
            let known =
                past?.stage == stage.rawValue ? past?.substeps.first { $0.name == "units" }?.done : nil
            try await job.run(stage) { handle in
                for unit in (known ?? 0) + 1...4 {
                    append("\(stage.rawValue) \(unit)\n", to: log)
                    handle.substep("units", unit, of: 4)
                    handle.report(unit, of: 4, "Unit \(unit) of 4")
                    if let holdAt, holdAt == (stage.rawValue, unit) {
                        try await headway.flush()
                        say("holding")
                        try await Task.sleep(for: .seconds(60))
                    }
                }
                handle.checkpoint("after \(stage.rawValue)")
            }
        }
        try await job.complete(result: "https://example.org/\(id)")
        try await headway.close()
        say("done")
    }

    static func say(_ line: String) { append(line + "\n", descriptor: 1) }

    static func append(_ text: String, to path: String) {
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        append(text, descriptor: file)
        close(file)
    }

    private static func append(_ text: String, descriptor: CInt) {
        var text = text
        _ = text.withUTF8 { unsafe write(descriptor, $0.baseAddress, $0.count) }
    }
}
