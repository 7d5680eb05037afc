import Foundation
import HTTPServer
import TestSupport
import Testing

@Suite("gzip", .timeLimit(.minutes(1)))
struct GzipTests {
    @Test("what it makes, gzip undoes")
    func thereAndBack() async throws {
        let files = ScratchDirectory()
        for text in [
            String(repeating: "headway ", count: 9000), String((0..<4000).map { "\($0 * 7919) " }.joined()),
        ] {
            let bytes = try #require(Gzip.compressed(Array(text.utf8)))
            #expect(bytes.count < text.utf8.count / 2)
            try Data(bytes).write(to: URL(fileURLWithPath: files.file("text.gz")))
            let gzip = try await ChildProcess.start(
                ["gzip", "-dc", files.file("text.gz")], output: files.file("text"))
            #expect(await eventually(within: .seconds(20)) { !gzip.isRunning })
            #expect(gzip.exitStatus == 0)
            #expect(try String(contentsOfFile: files.file("text"), encoding: .utf8) == text)
            try FileManager.default.removeItem(atPath: files.file("text"))
        }
    }

    @Test("what would not become smaller stays as it is")
    func incompressible() {
        #expect(Gzip.compressed([]) == nil)
        #expect(Gzip.compressed(Array("short".utf8)) == nil)
    }

    @Test(
        "a client says whether it takes it",
        arguments: [
            ("gzip, deflate, br", true), ("GZIP;q=0.5", true), ("*", true), ("br, *;q=0.1", true),
            ("identity", false),
            ("gzip;q=0", false), ("gzip; q=0.0, *", false), ("*;q=0", false), ("x-gzip", false), ("", false),
        ])
    func accepted(_ header: String, _ isAccepted: Bool) throws {
        let request = try #require(HTTPRequest(.get, "/", headers: [("Accept-Encoding", header)]))
        #expect(Gzip.isAccepted(by: request) == isAccepted)
    }
}
