import Glibc
import HeadwayWire
import TestSupport
import Testing

@testable import HeadwayCLI

@Suite("Commands", .timeLimit(.minutes(2)))
struct CommandTests {
    @Test("publish, status, jobs and watch tell one story")
    func story() async throws {
        let up = try await HeadwayUp.start()
        #expect(
            try await up.run("pipelines", "apply", EmbeddedRedisTests.pipeline()).output == "plain@1 stored\n"
        )
        #expect(
            try await up.run("pipelines", "apply", EmbeddedRedisTests.pipeline()).output
                == "plain@1 unchanged\n")
        #expect(try await up.run("pipelines", "list").output.contains("plain     1         1         work"))

        #expect(try await up.run("publish", "bulk.opened", "b1", "total=2").code == 0)
        let receipt = try await up.run(
            "publish", "job.started", "j1", "pipeline=plain", "bulk=b1", "worker=w")
        #expect(receipt.output.wholeMatch(of: /hw:\{\d\}:events \d+-\d+\n/) != nil)
        _ = try await up.run(
            "publish", "stage.progressed", "j1", "stage=work", "done=1", "total=4", "message=Digging")
        let isThere = await eventually(within: .seconds(5)) {
            (try? await up.run("status", "j1").output.contains("Digging")) ?? false
        }
        #expect(isThere)
        let status = try await up.run("status", "b1", "j1", "nobody")
        #expect(status.code == 1)
        #expect(status.output.contains("0 of 2"))
        #expect(status.output.contains("running  25  Working  ok"))
        #expect(status.error == "headway status: there is no job or bulk nobody\n")
        let json = try JSON(Array(try await up.run("status", "--json", "j1").output.utf8))
        #expect(json["percent"]?.integer == 25)
        #expect(json["stage"]?["label"]?.string == "Working")

        let watching = try await HeadwayBinary.start(
            ["watch", "b1"], environment: ["HEADWAY_STATE": up.state])
        #expect(await eventually(within: .seconds(5)) { watching.output.contains("b1: 0 of 2") })
        _ = try await up.run("publish", "job.completed", "j1")
        _ = try await up.run("publish", "job.started", "j2", "pipeline=plain", "bulk=b1")
        _ = try await up.run("publish", "job.failed", "j2", "message=broke", "code=broken")
        _ = try await up.run("publish", "bulk.sealed", "b1")
        #expect(await watching.end() == 1)
        #expect(watching.output.contains("b1: 1 of 2, 100 %, 1 failed, settled"))

        let failed = try await up.run("jobs", "--bulk", "b1", "--status", "failed")
        #expect(failed.output.contains("broken: broke"))
        #expect(!failed.output.contains("j1"))
        #expect(try await up.run("watch", "j1").code == 0)
        #expect(try await up.run("watch", "j1", "nobody", "--patience", "100ms").code == 1)
        #expect(try await up.run("jobs", "--bulk", "none").error == "headway jobs: there is no bulk none\n")
    }

    @Test(
        "who publishes what will be refused is told at once, and who asks later is told why nothing is to be seen"
    )
    func refusals() async throws {
        let up = try await HeadwayUp.start()
        _ = try await up.run("pipelines", "apply", EmbeddedRedisTests.pipeline())
        let wrong = try await up.run("publish", "job.started", "j1", "pipeline=plian")
        #expect(wrong.code == 0)
        #expect(
            wrong.error
                == "headway publish: as things stand this will be refused: there is no pipeline plian; did you mean plain? "
                + "(headway pipelines apply FILE adds one)\n")
        #expect(
            await eventually(within: .seconds(5)) {
                let asked = try? await up.run("status", "j1")
                return asked?.code == 1
                    && asked?.error.contains(
                        /there is no job or bulk j1: its job.started was refused \S+ ago as unknown_pipeline/)
                        == true
            })
        #expect(
            try await up.run("watch", "j1", "--patience", "100ms").error.contains("refused"))

        #expect(try await up.run("publish", "job.started", "j2", "pipeline=plain").error == "")
        #expect(
            await eventually(within: .seconds(5)) { (try? await up.run("status", "j2").code) == 0 })
        let stage = try await up.run("publish", "stage.progressed", "j2", "stage=wrok", "done=1", "total=2")
        #expect(stage.error.contains("pipeline plain@1 of j2 has no stage wrok; did you mean work?"))
        #expect(
            await eventually(within: .seconds(5)) {
                (try? await up.run("status", "j2").error.contains("j2: its stage.progressed was refused"))
                    == true
            })
        // Once something later counted, the old refusal is no news.
        _ = try await up.run("publish", "stage.progressed", "j2", "stage=work", "done=1", "total=2")
        #expect(
            await eventually(within: .seconds(5)) { (try? await up.run("status", "j2").error) == "" })
    }

    struct Program: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let script: String
        let code: CInt
        let status: String
    }

    static let programs = [
        Program(
            testDescription: "one that succeeds", script: "echo 1/2; echo 2/2", code: 0,
            status: "completed  100"),
        Program(
            testDescription: "one that fails", script: "echo 1/2; exit 3", code: 3,
            status: "exit_3: exited with 3"),
        Program(
            testDescription: "one that is killed", script: "kill -9 $$", code: 137,
            status: "SIGKILL: killed by SIGKILL"),
    ]

    @Test("a program is a job: its progress, its end and its exit code", arguments: programs)
    func program(_ program: Program) async throws {
        let up = try await HeadwayUp.start()
        _ = try await up.run("pipelines", "apply", EmbeddedRedisTests.pipeline())
        let outcome = try await up.run(
            "run", "-p", "plain", "-j", "job", "-s", "work", "--", "sh", "-c",
            "echo out; echo 'headway: 1/2 half way'; echo err >&2; \(program.script)")
        #expect(outcome.code == program.code)
        #expect(outcome.output == "out\n")
        #expect(outcome.error == "err\n")
        #expect(try await up.run("status", "job").output.contains(program.status))
    }

    @Test("a signal is forwarded to the program, whose last words count")
    func forwarding() async throws {
        let up = try await HeadwayUp.start()
        _ = try await up.run("pipelines", "apply", EmbeddedRedisTests.pipeline())
        let running = try await HeadwayBinary.start(
            [
                "run", "-p", "plain", "-j", "job", "-s", "work", "--", "sh", "-c",
                "trap 'echo caught; exit 7' TERM; echo ready; while :; do sleep 0.05; done",
            ], environment: ["HEADWAY_STATE": up.state])
        #expect(await eventually { running.output == "ready\n" })
        running.signal(SIGTERM)
        #expect(await running.end() == 7)
        #expect(running.output == "ready\ncaught\n")
        #expect(try await up.run("status", "job").output.contains("exit_7"))
    }

    @Test("a Redis that is away does not keep a program from running")
    func unreported() async throws {
        let outcome = try await HeadwayBinary.run(
            [
                "run", "--redis", "redis://127.0.0.1:1", "-p", "p", "-j", "j", "-s", "s", "--", "sh", "-c",
                "echo ran; exit 4",
            ])
        #expect(outcome.code == 4)
        #expect(outcome.output == "ran\n")
        #expect(outcome.error.contains("the program runs without being reported"))
        let missing = try await HeadwayBinary.run(
            [
                "run", "--redis", "redis://127.0.0.1:1", "-p", "p", "-j", "j", "-s", "s", "--",
                "no-such-program",
            ])
        #expect(missing.code == 127)
    }

    @Test("a Redis that cannot be reached, or refuses, is named with what to do")
    func wrongRedis() async throws {
        let away = try await HeadwayBinary.run(["aggregate", "--redis", "redis://127.0.0.1:1"])
        #expect(away.code == 1)
        #expect(away.error.contains("cannot reach Redis: redis://127.0.0.1:1: Connection refused; start it"))

        let server = try await RedisServer.start(tcp: true, password: "right")
        let port = try #require(server.port)
        let denied = try await HeadwayBinary.run(["up", "--redis", "redis://:wrong@127.0.0.1:\(port)"])
        #expect(denied.code == 1)
        #expect(denied.error.contains("Redis refuses the login"))
        #expect(!denied.error.contains("wrong@"))
        let nameless = try await HeadwayBinary.run(["status", "x", "--redis", "redis://127.0.0.1:\(port)"])
        #expect(nameless.error.contains("redis://user:password@host:port"))
        await server.stop()
    }

    @Test("a port in use is said, and nothing is left running")
    func portInUse() async throws {
        let up = try await HeadwayUp.start()
        let address = try #require(up.probe).address
        let directory = ScratchDirectory()
        let second = try await HeadwayBinary.run(
            ["up", "--state", directory.file("s"), "--listen", address.description])
        #expect(second.code == 1)
        #expect(second.error.contains("cannot listen on \(address): the address is in use; stop the program"))
        #expect(EmbeddedRedisTests.servers(in: directory.file("s")) == [])
    }

    @Test("a number of partitions is fixed at first use, and another wish is a warning")
    func partitions() async throws {
        let server = try await RedisServer.start()
        for (wish, warns) in [("3", false), ("3", false), ("5", true)] {
            let running = try await HeadwayBinary.start([
                "aggregate", "--redis", server.endpointURL, "--partitions", wish,
            ])
            #expect(await eventually(within: .seconds(10)) { running.output.contains("Stop it with") })
            running.signal(SIGINT)
            #expect(await running.end() == 0)
            #expect(running.error.contains("has 3 partitions since it was first used") == warns)
        }
        await server.stop()
    }

    @Test("SIGTERM loses nothing that was accepted, and the next aggregator has every partition at once")
    func handover() async throws {
        let server = try await RedisServer.start()
        func command(_ words: String...) async throws -> HeadwayBinary.Outcome {
            try await HeadwayBinary.run(words, environment: ["HEADWAY_REDIS": server.endpointURL])
        }
        func aggregate() async throws -> HeadwayBinary.Running {
            let running = try await HeadwayBinary.start([
                "aggregate", "--redis", server.endpointURL, "--lease", "30s",
            ])
            #expect(await eventually(within: .seconds(10)) { running.output.contains("Stop it with") })
            #expect(!running.error.contains("owns"), "a lease was not released")
            return running
        }
        var running = try await aggregate()
        #expect(try await command("pipelines", "apply", EmbeddedRedisTests.pipeline()).code == 0)
        for number in 1...12 {
            #expect(
                try await command("publish", "job.started", "j\(number)", "pipeline=plain", "bulk=b").code
                    == 0)
            guard number % 4 == 0 else { continue }
            running.signal(SIGTERM)
            #expect(await running.end() == 0)
            #expect(try await command("publish", "job.completed", "j\(number)").code == 0)
            running = try await aggregate()
        }
        let isAll = await eventually(within: .seconds(5)) {
            (try? await command("status", "b").output.contains("3 of at least 12")) ?? false
        }
        #expect(isAll)
        running.signal(SIGTERM)
        #expect(await running.end() == 0)
        await server.stop()
    }

    @Test("a strict pipeline that wants more stages keeps the job open, and that is said")
    func unfinished() async throws {
        let up = try await HeadwayUp.start()
        try FileAccess.write(
            String(decoding: Book.definition, as: UTF8.self), to: up.directory.file("book.json"))
        _ = try await up.run("pipelines", "apply", up.directory.file("book.json"))
        let outcome = try await up.run("run", "-p", "book", "-j", "job", "-s", "ANALYZING", "--", "true")
        #expect(outcome.code == 0)
        #expect(
            outcome.error.contains("the pipeline wants stage GENERATING_SCENES as well: the job stays open"))
        #expect(try await up.run("status", "job").output.contains("running"))
    }

    @Test("with an inherited socket no request fails while the server is replaced")
    func inheritedSocket() async throws {
        let server = try await RedisServer.start()
        let listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        let address = try #require(Self.listen(listener))
        func serve() async throws -> HeadwayBinary.Running {
            try await HeadwayBinary.start(
                [], input: .descriptor(listener),
                through: [
                    "bash", "-c",
                    "exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \(HeadwayBinary.path) serve "
                        + "--redis \(server.endpointURL)",
                ])
        }
        var running = try await serve()
        #expect(await eventually(within: .seconds(10)) { running.output.contains("Stop it with") })
        let asking = Task { () -> [Int] in
            var answers: [Int] = []
            while !Task.isCancelled {
                answers.append((try? await HTTPProbe(address: address).get("/healthz").status) ?? 0)
            }
            return answers
        }
        for _ in 0..<3 {
            running.signal(SIGTERM)
            #expect(await running.end() == 0)
            running = try await serve()
            #expect(await eventually(within: .seconds(10)) { running.output.contains("Stop it with") })
        }
        asking.cancel()
        let answers = await asking.value
        // How many depends on the machine; that each was answered does not.
        #expect(!answers.isEmpty)
        #expect(answers.allSatisfy { $0 == 200 })
        running.signal(SIGTERM)
        #expect(await running.end() == 0)
        await server.stop()
    }

    private static func listen(_ descriptor: CInt) -> ListenAddress? {
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_addr.s_addr = unsafe inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = unsafe withUnsafeMutablePointer(to: &place) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, size) == 0 && Glibc.listen(descriptor, 128) == 0
                    && getsockname(descriptor, $0, &size) == 0
            }
        }
        return isBound ? ListenAddress(host: "127.0.0.1", port: Int(UInt16(bigEndian: place.sin_port))) : nil
    }

    @Test("what cannot be reported runs with a warning; with --strict it is not started, and that is said")
    func strict() async throws {
        let up = try await HeadwayUp.start()
        let file = up.directory.file("one.json")
        try FileAccess.write(#"{"name": "one", "stages": [{"id": "work"}]}"#, to: file)
        #expect(try await up.run("pipelines", "check", file).output == "one: 1 stage, sound\n")
        #expect(try await up.run("pipelines", "apply", file).code == 0)
        let mark = up.directory.file("mark")
        for (number, words) in [
            ["--pipeline", "one", "--stage", "wrok"], ["--pipeline", "none", "--stage", "work"],
        ].enumerated() {
            let job = ["--job", "j-\(number)"]
            let program = ["--", "touch", mark]
            let strict = try await HeadwayBinary.run(
                ["run", "--strict"] + words + job + program, environment: ["HEADWAY_STATE": up.state])
            #expect(strict.code == 1)
            #expect(
                strict.error.contains("the program was not started, since it cannot be reported"),
                "\(strict.error)")
            #expect(throws: (any Error).self) { try FileAccess.read(mark) }
            #expect(try await up.run("status", "j-\(number)").code == 1)
            let lax = try await HeadwayBinary.run(
                ["run"] + words + job + program, environment: ["HEADWAY_STATE": up.state])
            #expect(lax.code == 0)
            #expect(lax.error.contains("the program runs without being reported"))
            #expect(throws: Never.self) { try FileAccess.read(mark) }
            unsafe unlink(mark)
        }
        let good = try await up.run(
            "run", "--strict", "--pipeline", "one", "--stage", "work", "--job", "good", "--", "true")
        #expect(good.code == 0 && good.error == "")
        let help = try await HeadwayBinary.run(["run", "--help"]).output
        #expect(help.contains("--strict") && help.contains("has no such stage"))
    }

    @Test("a Redis that is not there: the advice fits who named it")
    func advice() async throws {
        let scratch = ScratchDirectory()
        let state = scratch.file("state")
        let none = try await HeadwayBinary.run(["status", "x"], environment: ["HEADWAY_STATE": state])
        // Somebody may run a Redis at the usual place of this machine.
        if none.error.contains("cannot reach Redis") {
            #expect(
                none.error.contains("no headway up runs in \(state)") && none.error.contains("--state DIR"))
        }
        let up = try await HeadwayUp.start(in: scratch)
        let url = try FileAccess.read("\(up.state)/redis.url")
        up.running.signal(SIGTERM)
        _ = await up.running.end()
        try FileAccess.write(String(decoding: url, as: UTF8.self), to: "\(up.state)/redis.url")
        let gone = try await HeadwayBinary.run(["status", "x"], environment: ["HEADWAY_STATE": up.state])
        #expect(gone.code == 1)
        #expect(
            gone.error.contains("does not run any more") && gone.error.contains("--state DIR"),
            "\(gone.error)")
        let named = try await HeadwayBinary.run(["status", "x", "--redis", "unix:///nowhere/redis.sock"])
        #expect(named.error.contains("correct --redis"))
    }
}
