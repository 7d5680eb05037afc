import Foundation
import HeadwayWire
import TestSupport
import Testing

@testable import HeadwayCLI

/// The code of docs/guides, run as it stands there against a real `headway up`; only the addresses are put in.
@Suite("Guides", .serialized, .timeLimit(.minutes(4)))
struct GuideTests {
    private struct House {
        let up: HeadwayUp
        let probe: HTTPProbe
        let files = ScratchDirectory()

        static func open() async throws -> House {
            let up = try await HeadwayUp.start()
            let task = Fleet.root.appending(path: "deploy/pipelines/task.json").path
            #expect(try await up.run("pipelines", "apply", task).code == 0)
            return House(up: up, probe: try #require(up.probe))
        }

        var redis: String { up.state + "/redis.sock" }

        /// - Returns: what it printed.
        func run(_ program: [String], _ script: String, _ name: String) async throws -> String {
            let file = files.file(name)
            try script.write(toFile: file, atomically: true, encoding: .utf8)
            let process = try await TestSupport.ChildProcess.start(
                program + [file], output: files.file("\(name).log"))
            let isDone = await eventually(within: .seconds(60)) { !process.isRunning }
            let log = (try? String(contentsOfFile: files.file("\(name).log"), encoding: .utf8)) ?? ""
            #expect(isDone && process.exitStatus == 0, "\(log)")
            return log
        }

        func bulk(_ id: String) async throws -> JSON {
            _ = await eventually(within: .seconds(20)) {
                (try? await probe.json("/v1/bulks/\(id)"))?["phase"] == .string("settled")
            }
            return try await probe.json("/v1/bulks/\(id)")
        }
    }

    /// The blocks of one language, one after the other.
    private static func code(_ language: String, of document: String) throws -> String {
        let file = Fleet.root.appending(path: "docs/guides/\(document)")
        let blocks = try String(contentsOf: file, encoding: .utf8).components(separatedBy: "```\(language)\n")
            .dropFirst().compactMap { $0.components(separatedBy: "```\n").first }
        try #require(!blocks.isEmpty, "\(document) has no \(language)")
        return blocks.joined(separator: "\n")
    }

    @Test("the Python worker tells of one good and one bad job, and its tqdm tells what it draws")
    func python() async throws {
        let house = try await House.open()
        let script = try Self.code("python", of: "python-worker.md")
            .replacing("redis://127.0.0.1:6379", with: "unix://\(house.redis)")
        let log = try await house.run(["/usr/bin/python3"], script, "worker.py")
        #expect(log.contains("Reading: 100%"))

        let bulk = try await house.bulk("spring")
        #expect(bulk["text"] == .string("1 of 2"))
        #expect(bulk["outcome"] == .string("partial"))
        let failed = try await house.probe.json("/v1/jobs/book-2")
        #expect(failed["error"]?["message"] == .string("Page two is empty."))
        #expect(failed["error"]?["code"] == .string("ValueError"))

        #expect(
            await eventually(within: .seconds(20)) {
                (try? await house.probe.json("/v1/jobs/book-3"))?["status"] == .string("completed")
            })
        let drawn = try await house.probe.json("/v1/jobs/book-3")
        #expect(drawn["percent"] == .number(100))
        #expect(drawn["completedStages"] == .array([.string("work")]))
        #expect(drawn["message"] == .string("Reading"))
        #expect(drawn["stage"]?["done"] == .number(3))
    }

    @Test("the Node worker does with node-redis what it says")
    func node() async throws {
        let house = try await House.open()
        let script = try Self.code("js", of: "node-worker.md")
            .replacing(#"url: "redis://127.0.0.1:6379""#, with: "socket: { path: '\(house.redis)' }")
        // Where Debian puts what comes with apt.
        let node = ["/usr/bin/env", "NODE_PATH=/usr/share/nodejs", "node"]
        _ = try await house.run(node, script, "worker.cjs")
        let bulk = try await house.bulk("autumn")
        #expect(bulk["text"] == .string("1 of 1"))
        let job = try await house.probe.json("/v1/jobs/report-1")
        #expect(job["result"] == .string("reports/1.pdf"))
        #expect(job["worker"] == .string("node-1"))
    }

    @Test("the curl lines of the guide to HTTP work in their order")
    func http() async throws {
        let house = try await House.open()
        let host = String(house.up.url.dropFirst("http://".count).dropLast())
        let script = try Self.code("sh", of: "http.md").replacing("localhost:8080", with: host)
        let log = try await house.run(["/usr/bin/env", "bash", "-eu"], script, "http.sh")
        #expect(log.contains(#"{"name":"photo","revision":1,"created":true}"#))
        #expect(log.contains("event: complete"))

        let bulk = try await house.bulk("album")
        #expect(bulk["text"] == .string("1 of 2"))
        let job = try await house.probe.json("/v1/jobs/photo-7")
        #expect(job["result"] == .string("https://photos.example/7.jpg"))
        #expect(job["label"] == .string("Sunset"))
        #expect(
            try await house.probe.json("/v1/jobs/photo-8")["error"]?["code"] == .string("empty_picture"))
    }

    /// What the hook takes of React, as React's own types have it.
    private static let react = """
        declare module "react" {
          export function useState<S>(initial: S | (() => S)): [S, (next: S | ((before: S) => S)) => void];
          export function useEffect(effect: () => void | (() => void), dependencies?: readonly unknown[]): void;
          namespace JSX { interface IntrinsicElements {} }
        }
        """

    @Test("TypeScript takes the React hook, strictly")
    func hook() async throws {
        let files = ScratchDirectory()
        try Self.react.write(toFile: files.file("react.d.ts"), atomically: true, encoding: .utf8)
        try Self.code("tsx", of: "frontend.md")
            .write(toFile: files.file("hook.tsx"), atomically: true, encoding: .utf8)
        let compiler = try await TestSupport.ChildProcess.start(
            [
                "tsc", "--noEmit", "--strict", "--noUnusedLocals", "--jsx", "preserve", "--target", "es2020",
                "--moduleResolution", "node", files.file("react.d.ts"), files.file("hook.tsx"),
            ], output: files.file("out"))
        #expect(await eventually(within: .seconds(90), every: .milliseconds(20)) { !compiler.isRunning })
        let text = (try? String(contentsOfFile: files.file("out"), encoding: .utf8)) ?? ""
        #expect(compiler.exitStatus == 0, "\(text)")
    }
}
