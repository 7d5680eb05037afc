import Foundation
import HeadwayWire
import TestSupport
import Testing

@testable import HeadwayCLI

/// `headway pipelines types`, its answers given to the compilers of both languages.
@Suite("headway pipelines types", .serialized, .timeLimit(.minutes(3)))
struct TypesCommandTests {
    static let fixtures = Fleet.root.appending(path: "Tests/SystemTests/Fixtures/types")

    /// Every pipeline that is shipped, and two made for this.
    static let files: [String] = {
        let shipped = Fleet.root.appending(path: "deploy/pipelines")
        let all = [shipped, fixtures].flatMap {
            (try? FileManager.default.contentsOfDirectory(at: $0, includingPropertiesForKeys: nil)) ?? []
        }
        return all.map(\.path).filter { $0.hasSuffix(".json") }.sorted()
    }()

    private func printed(_ language: String, _ file: String) async throws -> String {
        let outcome = try await HeadwayBinary.run(["pipelines", "types", "--\(language)", file])
        #expect(outcome.code == 0, "\(outcome.error)")
        return outcome.output
    }

    private func check(_ words: [String]) async throws {
        let scratch = ScratchDirectory()
        let compiler = try await TestSupport.ChildProcess.start(words, output: scratch.file("out"))
        #expect(await eventually(within: .seconds(90), every: .milliseconds(20)) { !compiler.isRunning })
        let text = (try? String(contentsOfFile: scratch.file("out"), encoding: .utf8)) ?? ""
        #expect(compiler.exitStatus == 0, "\(words): \(text)")
    }

    /// Made anew with `headway pipelines types --swift book.json > book.swift.txt` (and so on) in that directory.
    @Test(
        "exactly these types for a book, in both languages",
        arguments: [("swift", "swift.txt"), ("typescript", "ts")])
    func golden(_ language: String, _ ending: String) async throws {
        let text = try await printed(language, Self.fixtures.appending(path: "book.json").path)
            .replacing(Self.fixtures.path + "/", with: "")
        let wanted = try String(
            contentsOf: Self.fixtures.appending(path: "book.\(ending)"), encoding: .utf8)
        #expect(text == wanted)
    }

    @Test(
        "a pipeline that is called like a type of Swift's gets a name that hides none, and the file says so")
    func collisions() async throws {
        let scratch = ScratchDirectory()
        for (name, contract) in [
            ("task", "TaskPipeline"), ("job", "JobPipeline"), ("set", "SetPipeline"),
            ("data", "DataPipeline"),
            ("string", "StringPipeline"), ("book", "Book"), ("tasks", "Tasks"),
        ] {
            let file = scratch.file("\(name).json")
            try #"{"name": "\#(name)", "stages": [{"id": "work"}]}"#.write(
                toFile: file, atomically: true, encoding: .utf8)
            let text = try await printed("swift", file)
            #expect(text.contains("\nenum \(contract): PipelineContract {"), "\(text.prefix(600))")
            #expect(text.contains("// It is \(contract), because") == contract.hasSuffix("Pipeline"))
            #expect(text.contains(#"static let name = "\#(name)""#))
        }
    }

    @Test("TypeScript takes the types of every pipeline, strictly")
    func typeScript() async throws {
        let scratch = ScratchDirectory()
        var files: [String] = []
        for (number, file) in Self.files.enumerated() {
            let text = try await printed("typescript", file)
            #expect(try await printed("typescript", file) == text, "not the same twice")
            files.append(scratch.file("types\(number).ts"))
            try text.write(toFile: files[number], atomically: true, encoding: .utf8)
        }
        try await check(["tsc", "--noEmit", "--strict", "--target", "es2020"] + files)
    }

    @Test("Swift takes the types of every pipeline, without a warning")
    func swift() async throws {
        let scratch = ScratchDirectory()
        let module = scratch.file("Headway.swift")
        try """
        public protocol PipelineContract {
            associatedtype Stage: RawRepresentable & CaseIterable & Sendable where Stage.RawValue == String
            static var name: String { get }
        }
        """.write(toFile: module, atomically: true, encoding: .utf8)
        try await check([
            "swiftc", "-emit-module", "-parse-as-library", "-module-name", "Headway", "-emit-module-path",
            scratch.file("Headway.swiftmodule"), module,
        ])
        for file in Self.files {
            let text = try await printed("swift", file)
            #expect(try await printed("swift", file) == text, "not the same twice")
            let path = scratch.file("types.swift")
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            try await check([
                "swiftc", "-typecheck", "-parse-as-library", "-swift-version", "6", "-warnings-as-errors",
                "-I",
                String(scratch.file("").dropLast()), path,
            ])
        }
    }

    @Test("what a real server answers is what the types say, to the last key; from a stored name, too")
    func answers() async throws {
        let up = try await HeadwayUp.start()
        let file = up.directory.file("quick.json")
        try
            #"{"name": "quick", "stages": [{"id": "one", "range": [0, 60]}, {"id": "two", "range": [60, 100], "indexed": true}]}"#
            .write(toFile: file, atomically: true, encoding: .utf8)
        try #require(try await up.run("pipelines", "apply", file).code == 0)
        let stored = try await up.run("pipelines", "types", "--typescript", "quick")
        #expect(stored.code == 0, "\(stored.error)")
        #expect(stored.output.contains("types --typescript quick@1\n"))

        for words in [
            ["job.queued", "a", "pipeline=quick"],
            ["job.started", "b", "pipeline=quick", "bulk=x", "worker=w", "attr.mode=m", "attempt=1"],
            ["stage.progressed", "b", "stage=one", "done=1", "total=3", "message=now"],
            ["stage.progressed", "b", "stage=one", "substep=s", "done=1", "total=2"],
            ["job.started", "c", "pipeline=quick", "attempt=1"],
            ["stage.progressed", "c", "stage=two", "index=2", "of=3", "percent=40"],
            ["job.started", "d", "pipeline=quick", "attempt=1"], ["stage.started", "d", "stage=two"],
            ["job.failed", "d", "message=no", "code=c"],
            ["job.started", "e", "pipeline=quick", "attempt=1"], ["job.completed", "e", "result=r"],
        ] {
            let told = try await HeadwayBinary.run(
                ["publish"] + words, environment: ["HEADWAY_STATE": up.state])
            #expect(told.code == 0, "\(words): \(told.error)")
        }
        let probe = try #require(up.probe)
        var program = stored.output
        for (job, status) in [
            ("a", "queued"), ("b", "running"), ("c", "running"), ("d", "failed"), ("e", "completed"),
        ] {
            #expect(
                await eventually(within: .seconds(10)) {
                    (try? await probe.json("/v1/jobs/\(job)")["status"]) == .string(status)
                })
            let answer = try await probe.get("/v1/jobs/\(job)")
            // As a constant of the type: a key that the type lacks is an error, and so is one that is not there.
            program +=
                "export const \(job): QuickSnapshot = \(String(decoding: answer.body, as: UTF8.self));\n"
        }
        let scratch = ScratchDirectory()
        try program.write(toFile: scratch.file("answers.ts"), atomically: true, encoding: .utf8)
        try await check(["tsc", "--noEmit", "--strict", scratch.file("answers.ts")])
    }

    struct Wrong: Sendable, CustomTestStringConvertible {
        let words: [String]
        let code: CInt
        let says: String
        var testDescription: String { words.joined(separator: " ") }
    }

    @Test(
        "what cannot be done is said in a line",
        arguments: [
            Wrong(words: ["types"], code: 2, says: "wants one FILE or NAME"),
            Wrong(words: ["types", "a.json"], code: 2, says: "either --swift or --typescript"),
            Wrong(words: ["types", "--swift", "--typescript", "a.json"], code: 2, says: "either --swift or"),
            Wrong(words: ["types", "--swift", "a.json", "b.json"], code: 2, says: "wants one FILE"),
            Wrong(words: ["types", "--swift", "no name"], code: 2, says: "neither a file nor"),
            Wrong(words: ["types", "--swift", "/nowhere/a.json"], code: 1, says: "/nowhere/a.json"),
            Wrong(words: ["type"], code: 2, says: "did you mean types?"),
        ])
    func wrong(_ wrong: Wrong) async throws {
        let outcome = try await HeadwayBinary.run(["pipelines"] + wrong.words)
        #expect(outcome.code == wrong.code)
        #expect(outcome.error.contains(wrong.says), "\(outcome.error)")
        #expect(outcome.output.isEmpty)
    }
}
