import HeadwayWire
import TestSupport
import Testing

@testable import HeadwayCLI

@Suite("Views, from the file to the frontend", .timeLimit(.minutes(2)))
struct ViewCommandTests {
    private static let sound = """
        {"name": "film", "stages": [{"id": "cut"}, {"id": "score"}], "views": [
          {"route": "/films/{job}", "events": {
             "snapshot": {"event": "progress", "data": ["$rawStatus", "$percent", "$stage"]},
             "complete": {"event": "complete", "data": "$result"},
             "error": {"event": "error", "data": {"message": "Job not found"}}}}]}
        """

    private static func file(_ text: String, _ name: String, in directory: ScratchDirectory) throws -> String
    {
        let path = directory.file(name)
        try FileAccess.write(text, to: path)
        return path
    }

    @Test("check and apply say each problem with file, place and reason, and store nothing")
    func broken() async throws {
        let up = try await HeadwayUp.start()
        let text = Self.sound.replacing("$percent", with: "$precent").replacing("/films/", with: "/v1/films/")
        let path = try Self.file(text, "film.json", in: up.directory)
        for word in ["check", "apply"] {
            let outcome = try await up.run("pipelines", word, path)
            #expect(outcome.code == 1)
            #expect(
                outcome.error.contains(
                    "\(path): views[0].route: begins with /v1, which is Headway's own: choose another word\n")
            )
            #expect(
                outcome.error.contains(
                    "\(path): views[0].events.snapshot.data[1]: $precent is not known of a job: did you mean \"$percent\"?"
                ))
        }
        #expect(!(try await up.run("pipelines", "list").output.contains("film")))
    }

    @Test("events of a worker become the frames of a view that was applied while everything ran")
    func dialogue() async throws {
        let up = try await HeadwayUp.start()
        let path = try Self.file(Self.sound, "film.json", in: up.directory)
        #expect(try await up.run("pipelines", "check", path).output == "film: 2 stages, sound\n")
        #expect(try await up.run("pipelines", "apply", path).output == "film@1 stored\n")
        let target = "\(up.url)films/f-1"
        let stream = try await HeadwayBinary.start(
            [],
            through: [
                "curl", "-sN", "--retry", "20", "--retry-all-errors", "--retry-delay", "1", "--fail", target,
            ])
        #expect(await eventually(within: .seconds(15)) { stream.output.contains("event: error") })
        _ = try await up.run("publish", "job.started", "f-1", "pipeline=film", "attempt=1")
        #expect(await eventually(within: .seconds(5)) { stream.output.contains(#"["running",0,null]"#) })
        _ = try await up.run("publish", "stage.completed", "f-1", "stage=cut")
        #expect(await eventually(within: .seconds(5)) { stream.output.contains(#"["running",50,"cut"]"#) })
        _ = try await up.run("publish", "job.completed", "f-1", "result=clx123")
        #expect(await eventually(within: .seconds(5)) { stream.output.contains("event: complete") })

        let frames = stream.output.split(separator: "\n\n").filter { $0.hasPrefix("event") }
        let shown = frames.map { frame in
            frame.split(separator: "\n").filter { !$0.hasPrefix("id: ") }.joined(separator: " | ")
        }
        #expect(
            shown == [
                #"event: error | data: {"message":"Job not found"}"#,
                #"event: progress | data: ["running",0,null]"#,
                #"event: progress | data: ["running",50,"cut"]"#,
                #"event: progress | data: ["completed",100,"cut"]"#, #"event: complete | data: "clx123""#,
            ])
        let last = try #require(frames.last?.split(separator: "\n").first { $0.hasPrefix("id: ") })
        #expect(last.hasSuffix("-end"))
        let again = try await HeadwayBinary.start(
            [],
            through: [
                "curl", "-s", "-w", "%{http_code}", "-H", "Last-Event-ID: \(last.dropFirst(4))", target,
            ])
        #expect(await again.end() == 0)
        #expect(again.output == "204")
    }
}
