import Glibc
import TestSupport
import Testing

@testable import HeadwayCLI

@Suite("Demo", .timeLimit(.minutes(2)))
struct DemoTests {
    /// Two texts and a picture.
    static func input(_ directory: ScratchDirectory) throws -> String {
        let path = directory.file("in")
        try FileAccess.makeDirectory(path)
        for name in ["Artistic", "BSD"] {
            let bytes = try FileAccess.read("/usr/share/common-licenses/\(name)")
            try FileAccess.write(String(decoding: bytes, as: UTF8.self), to: "\(path)/\(name)")
        }
        try FileAccess.write("\u{1}\u{2}", to: "\(path)/logo.png")
        return path
    }

    @Test(
        "texts become pages, what is not text is counted as failed, and the aggregate is what is on the disk")
    func pages() async throws {
        let directory = ScratchDirectory()
        let input = try Self.input(directory)
        let output = directory.file("out")
        let outcome = try await HeadwayBinary.run(
            ["demo", input, "--output", output, "--workers", "2", "--listen", "127.0.0.1:0"],
            within: .seconds(60))
        #expect(outcome.code == 0)
        #expect(outcome.error == "")
        #expect(outcome.output.contains("Failed: logo.png is not text: byte 0x01 at offset 0"))
        #expect(outcome.output.contains("Headway says: 2 of 3 completed, 1 failed, 0 open"))
        #expect(outcome.output.contains("On the disk:  2 of 3 have a page, 1 have none"))
        #expect(try DemoOutput(path: output).pagesOnDisk() == ["artistic", "bsd"])
        #expect(FileAccess.exists("\(output)/bsd/scene-01.svg"))
        #expect(FileAccess.exists("\(output)/index.html"))
        #expect(EmbeddedRedisTests.servers(in: "\(output)/.headway") == [])

        // Again into the same place: nothing of the first run is counted.
        unsafe unlink("\(input)/BSD")
        let again = try await HeadwayBinary.run(
            ["demo", input, "--output", output, "--listen", "127.0.0.1:0"], within: .seconds(60))
        #expect(again.code == 0)
        #expect(try DemoOutput(path: output).pagesOnDisk() == ["artistic"])
    }

    @Test("a killed worker's book is made by the next one")
    func killedWorker() async throws {
        let directory = ScratchDirectory()
        let input = try Self.input(directory)
        let output = directory.file("out")
        let running = try await HeadwayBinary.start([
            "demo", input, "--output", output, "--workers", "1", "--pace", "3s", "--listen", "127.0.0.1:0",
        ])
        #expect(await eventually(within: .seconds(15)) { running.output.contains("Creating artwork") })
        // Between two books there is none.
        var found: pid_t?
        _ = await eventually(within: .seconds(15)) {
            found = Self.worker(of: running.pid)
            return found != nil
        }
        let worker = try #require(found)
        kill(worker, SIGKILL)
        #expect(await running.end(within: .seconds(60)) == 0)
        #expect(running.error.contains("killed by SIGKILL while it made"))
        #expect(running.output.contains("Headway says: 2 of 3 completed, 1 failed, 0 open"))
    }

    @Test("SIGINT ends the demo, its workers and its Redis")
    func interrupted() async throws {
        let directory = ScratchDirectory()
        let input = try Self.input(directory)
        let output = directory.file("out")
        let running = try await HeadwayBinary.start([
            "demo", input, "--output", output, "--workers", "1", "--pace", "60s", "--listen", "127.0.0.1:0",
        ])
        #expect(await eventually(within: .seconds(15)) { running.output.contains("running") })
        let worker = try #require(Self.worker(of: running.pid))
        running.signal(SIGINT)
        #expect(await running.end() == 130)
        #expect(kill(worker, 0) == -1)
        #expect(EmbeddedRedisTests.servers(in: "\(output)/.headway") == [])
    }

    @Test("a directory of somebody else's is not written to")
    func foreign() async throws {
        let directory = ScratchDirectory()
        try FileAccess.write("mine", to: directory.file("mine.txt"))
        let outcome = try await HeadwayBinary.run(["demo", "--output", directory.path])
        #expect(outcome.code == 1)
        #expect(outcome.error.contains("is not empty, and not of an earlier demo"))
        #expect(try await HeadwayBinary.run(["demo", "/nonexistent", "-o", directory.file("o")]).code == 1)
    }

    private static func worker(of parent: pid_t) -> pid_t? {
        let pids = ((try? FileAccess.names(in: "/proc")) ?? []).compactMap { pid_t($0) }
        return pids.first { pid in
            guard let line = try? FileAccess.read("/proc/\(pid)/cmdline"),
                String(decoding: line, as: UTF8.self).contains("demo-worker"),
                let stat = try? FileAccess.read("/proc/\(pid)/stat")
            else { return false }
            let fields = String(decoding: stat, as: UTF8.self).split(separator: ")").last?.split(
                separator: " ")
            return fields?.dropFirst().first.flatMap { pid_t($0) } == parent
        }
    }
}
