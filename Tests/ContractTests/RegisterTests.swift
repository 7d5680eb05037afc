import Foundation
import HeadwayWire
import ReadAPI
import TestSupport
import Testing

/// docs/contracts.md names what holds each criterion; this holds the page.
@Suite("The table of criteria")
struct RegisterTests {
    static let page = ContractServer.text(ContractServer.root.appending(path: "docs/contracts.md").path)

    @Test("every test that docs/contracts.md names is in the sources")
    func everyTestExists() throws {
        let names = Set(
            Self.page.matches(of: /`([A-Z][A-Za-z]+Tests)\/([A-Za-z]+|\*)`/).map { "\($0.1)/\($0.2)" })
        #expect(names.count > 60)
        let sources = try Self.sources()
        for name in names.sorted() {
            let parts = name.split(separator: "/")
            let bodies = sources.filter {
                $0.contains("struct \(parts[0]) ") || $0.contains("extension \(parts[0]) ")
            }
            let isThere = bodies.contains { parts[1] == "*" || $0.contains("func \(parts[1])(") }
            #expect(isThere, "\(name) is in docs/contracts.md and nowhere else")
        }
    }

    @Test("every test of the five suites stands in docs/contracts.md")
    func everyTestIsNamed() throws {
        for suite in ["Page", "Story", "Book", "Image", "Article"] {
            let file = ContractServer.root.appending(path: "Tests/ContractTests/\(suite)ContractTests.swift")
            let source = ContractServer.text(file.path)
            for test in source.matches(of: /@Test\([^{]*?\)\s+func ([A-Za-z]+)\(/) {
                #expect(
                    Self.page.contains("`\(suite)ContractTests/\(test.1)`"), "\(suite)ContractTests/\(test.1)"
                )
            }
        }
    }

    @Test("every pipeline of the documents is shipped, and its routes are those of the page")
    func everyPipeline() throws {
        for name in ["page", "story", "book", "image", "article"] {
            let path = ContractServer.root.appending(path: "deploy/pipelines/\(name).json").path
            let bytes = Array(ContractServer.text(path).utf8)
            let result = PipelineDocument.parseWithViews(bytes, file: "\(name).json", revision: 1)
            #expect(throws: Never.self) { _ = try result.get() }
            guard case .array(let views)? = try JSON(bytes)["views"] else {
                Issue.record("\(name).json has no views")
                continue
            }
            for view in views {
                let route = try #require(view["route"]?.string)
                #expect(Self.page.contains("`GET \(route)`"), "\(route)")
            }
        }
    }

    @Test("headway pipelines check has nothing to say against any file that is shipped")
    func checked() async throws {
        let folder = ContractServer.root.appending(path: "deploy/pipelines")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
            $0.hasSuffix(".json")
        }
        #expect(files.count >= 6)
        let output = ScratchDirectory()
        let process = try await ChildProcess.start(
            [ContractServer.headway, "pipelines", "check"] + files.map { folder.appending(path: $0).path },
            output: output.file("out"))
        #expect(await eventually(within: .seconds(10)) { process.exitStatus == 0 })
        #expect(ContractServer.text(output.file("out")).split(separator: "\n").count == files.count)
    }

    private static func sources() throws -> [String] {
        let tests = ContractServer.root.appending(path: "Tests")
        let files = try #require(FileManager.default.enumerator(at: tests, includingPropertiesForKeys: nil))
        return files.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }.map {
            ContractServer.text($0.path)
        }
    }
}
