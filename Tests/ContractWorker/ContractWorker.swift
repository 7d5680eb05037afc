import Glibc
import Headway

/// A worker of the book pipeline that can be killed anywhere, and the next one goes on where it was.
///
///     ContractWorker REDIS JOB LOG [STAGE UNIT]
///
/// Each stage is four units of work. A unit that is done is one line `STAGE UNIT` in LOG; work that was done is not
/// done again. With STAGE and UNIT it stops in its tracks once that unit is done and reported: it says `holding`,
/// and waits to be killed. With `play` it is a worker of any of the five pipelines; see ``Play``.
@main
enum ContractWorker {
    static func main() async throws {
        let words = CommandLine.arguments
        if words.count == 6, words[1] == "play" {
            return try await play(words[2], on: words[3], words[4], words[5])
        }
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

    private static func play(
        _ pipeline: String, on redis: String, _ id: String, _ path: String
    ) async throws {
        let headway = try await Headway.connect(redis)
        let orders = Orders(path: path)
        if let first = await orders.next() {
            func play<Contract: PipelineContract>(_ contract: Contract.Type) async throws {
                try await Play<Contract>(headway: headway, id: id, orders: orders).run(first)
            }
            switch pipeline {
            case Page.name: try await play(Page.self)
            case Story.name: try await play(Story.self)
            case Book.name: try await play(Book.self)
            case Image.name: try await play(Image.self)
            case Article.name: try await play(Article.self)
            default: fatalError("\(pipeline) is none of the five pipelines")
            }
        }
        try await headway.close()
    }

    static func text(of path: String) -> String {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var text: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe read(file, &piece, piece.count)
            guard count > 0 else { return String(decoding: text, as: UTF8.self) }
            text += piece[..<count]
        }
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
