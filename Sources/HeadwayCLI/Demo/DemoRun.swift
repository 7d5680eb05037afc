import EventLoop
import Glibc
import Headway
import HeadwayCore
import HeadwayWire
import ReadAPI

/// One demo from its first to its last line.
struct DemoRun: Sendable {
    let invocation: Invocation
    let input: DemoInput
    let output: DemoOutput
    let station: Station
    let reader: StatusReader
    let loop: EventLoop
    let display: ProgressDisplay
    let bulk: String
    let books: [DemoBook]

    private var arguments: Arguments { invocation.arguments }
    private var pace: Duration { arguments.duration("pace") ?? .zero }
    private static let usualAddress = ListenAddress(host: "127.0.0.1", port: 8080)

    // MARK: Everything around it

    static func go(
        _ invocation: Invocation, _ input: DemoInput, _ output: DemoOutput, on loop: EventLoop,
        display: ProgressDisplay, signals: Signals
    ) async throws -> ExitCode {
        var log = invocation.log
        log.level = max(log.level, .warning)
        log.write = { line in display.aside(line) }
        let redis = try await EmbeddedRedis.start(
            in: output.state, sync: .always, environment: invocation.environment, on: loop, log: log)
        let station = try await open(invocation, redis, on: loop, log: log)
        let reader = StatusReader(keyspace: station.keyspace, endpoint: redis.endpoint, on: loop)
        let bulk = "demo-\(String(Timestamp.wallClock.milliseconds / 100, radix: 36))"
        let workers = invocation.arguments.count("workers") ?? 4
        let demo = DemoRun(
            invocation: invocation, input: input, output: output, station: station, reader: reader,
            loop: loop,
            display: display, bulk: bulk,
            books: DemoBook.list(
                input, bulk: bulk, workers: workers, pace: invocation.arguments.duration("pace") ?? .zero))
        let result: Result<ExitCode, any Error>
        do {
            let code = try await demo.run(workers: workers, log: log)
            if invocation.arguments.isOn("keep") { await demo.keep(signals) }
            result = .success(code)
        } catch let error as ReadError {
            result = .failure(Failure("\(error)"))
        } catch {
            result = .failure(error)
        }
        // The task may be cancelled; the end is not.
        await Task {
            await reader.close()
            await station.close()
        }.value
        return try result.get()
    }

    private static func open(
        _ invocation: Invocation, _ redis: EmbeddedRedis, on loop: EventLoop, log: Log
    ) async throws -> Station {
        var plan = Station.Plan()
        plan.lease = .seconds(2)
        plan.grace = .seconds(2)
        plan.listen = invocation.arguments.address("listen") ?? usualAddress
        if invocation.arguments.text("listen") == nil, !FrontDoor.isFree(usualAddress) {
            plan.listen = ListenAddress(host: usualAddress.host, port: 0)
        }
        return try await Station.open(plan, RedisChoice(redis), embedded: redis, on: loop, log: log)
    }

    // MARK: The work

    private func run(workers: Int, log: Log) async throws -> ExitCode {
        _ = await station.waitForOwnership(.seconds(5))
        try await announce(workers)
        let start = ContinuousClock.now
        let headway = try await Headway.connect(
            station.redis.url, options: Headway.Options(namespace: station.keyspace.namespace, worker: "demo")
        )
        try await register(with: headway)

        let pool = WorkerPool(books, workers: workers, on: loop, log: log) { worker($0) }
        let watching = Task { await watch() }
        let results = try await withTaskCancellationHandler {
            try await pool.run()
        } onCancel: {
            pool.stop()
        }
        try Task.checkCancellation()
        for result in results where result.wasGivenUp {
            guard case .failed(let reason) = result.outcome else { continue }
            try await headway.start(Book.self, id: result.book.job).fail(reason, code: "worker_died")
        }
        try await headway.close(within: .seconds(10))
        await watching.value
        let time = ContinuousClock.now - start
        display.close()
        try writeIndex(results)
        return try await account(results, time, workers)
    }

    private func announce(_ workers: Int) async throws {
        guard
            case .success(let document) = PipelineDocument.parse(
                Book.definition, file: "book.json", revision: 1)
        else { throw Failure("the embedded pipeline is not sound") }
        _ = try await reader.put(document)
        let address = await station.address
        let doubles = input.doubles > 0 ? " (\(input.doubles) more are links to them)" : ""
        Terminal.say("Making \(books.count) books\(doubles) with \(workers) worker processes; pipeline book:")
        Terminal.say("  ANALYZING → GENERATING_SCENES → CREATING_ARTWORK → COMPLETED")
        if pace > .zero {
            Terminal.say(
                "  stretched to about \(TimeSpan.of(pace)) so that you can watch (--pace 0: as fast as it goes)"
            )
        }
        Terminal.say("Dashboard: \(address?.url ?? "")\n")
    }

    private func register(with headway: Headway) async throws {
        let opened = try await headway.openBulk(bulk, total: books.count, label: "Books of the demo")
        for book in books {
            try await headway.queue(
                Book.self, id: book.job, in: bulk, label: book.label,
                attributes: ["file": String(book.label.prefix(200))])
        }
        try await opened.seal()
        try await headway.flush(within: .seconds(10))
    }

    private func worker(_ number: Int) -> ChildProcess.Plan {
        ChildProcess.Plan(
            arguments: [
                OwnProgram.path, "demo-worker", "--redis", station.redis.url, "--namespace",
                station.keyspace.namespace, "--output", output.path, "--worker", "worker-\(number)",
            ],
            environment: invocation.environment,
            error: .appending(path: output.state.file("worker-\(number).log")),
            hasOwnSession: true)
    }

    /// Shows the bulk above its running jobs until it has settled, or nobody can say any more.
    private func watch() async {
        guard let id = BulkID(bulk) else { return }
        var patience = 200
        while !Task.isCancelled, patience > 0 {
            if let answer = try? await reader.bulks([id], current: 64).first,
                case .bulk(let snapshot) = answer
            {
                let view = ProgressView([.bulk(answer)])
                let isOver = snapshot.summary.phase == .settled
                display.show(view, last: isOver)
                if isOver { return }
                // What has no open job left settles within moments.
                if snapshot.summary.counts.open == 0 { patience -= 1 }
            } else {
                patience -= 1
            }
            try? await loop.sleep(for: .milliseconds(80))
        }
    }

    // MARK: The account

    private func writeIndex(_ results: [WorkerPool.Result]) throws {
        var index = IndexPage(books: [], refused: [], summary: "")
        for result in results {
            switch result.outcome {
            case .made(let book): index.books.append(book)
            case .failed(let reason):
                index.refused.append(IndexPage.Refused(source: result.book.label, reason: reason))
            }
        }
        let words = index.books.reduce(0) { $0 + $1.words }
        index.summary = "\(index.books.count) books, \(words) words, illustrated by their own statistics"
        try FileAccess.write(PageFrame.styleSheet, to: "\(output.path)/style.css")
        try FileAccess.write(index.html, to: output.index)
    }

    private func account(_ results: [WorkerPool.Result], _ time: Duration, _ workers: Int) async throws
        -> ExitCode
    {
        guard let address = await station.address else { throw Failure("there is no API to ask") }
        let onDisk = Set(try output.pagesOnDisk().map { "\(bulk).\($0)" })
        let reckoning = DemoReckoning(
            aggregate: try await DemoReckoning.ask(HTTPProbe(address: address), bulk: bulk),
            disk: DemoReckoning.Disk(
                files: input.files.count, pages: onDisk, missing: Set(books.map(\.job)).subtracting(onDisk)))
        let said = reckoning.aggregate
        Terminal.say("")
        for result in results.sorted(by: { $0.book.label < $1.book.label }) {
            if case .failed(let reason) = result.outcome {
                Terminal.say("Failed: \(Printable.line(reason, limit: 300))")
            }
        }
        Terminal.say(
            "Headway says: \(said.completed) of \(said.total) completed, \(said.failed) failed, \(said.rest) open"
        )
        Terminal.say(
            "On the disk:  \(reckoning.disk.pages.count) of \(reckoning.disk.files) have a page, "
                + "\(reckoning.disk.missing.count) have none")
        let cpu = TimeSpan.precise(Self.workersCPU())
        Terminal.say(
            "Time:         \(TimeSpan.precise(time)), of which the workers computed \(cpu)"
                + (pace > .zero ? "; the rest is --pace \(TimeSpan.of(pace))" : ""))
        Terminal.say("Pages:        file://\(output.index)")
        let stays = arguments.isOn("keep") ? "" : " (until now; --keep keeps it up)"
        Terminal.say("Dashboard:    \(address.url)\(stays)")
        let differences = reckoning.differences
        guard differences.isEmpty else {
            for difference in differences {
                Terminal.write("headway demo: \(difference)\n", to: STDERR_FILENO)
            }
            return .failed
        }
        return .done
    }

    /// What the processes that have ended have computed.
    private static func workersCPU() -> Duration {
        var usage = rusage()
        unsafe getrusage(RUSAGE_CHILDREN.rawValue, &usage)
        return .seconds(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + .microseconds(Int(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec))
    }

    private func keep(_ signals: Signals) async {
        Terminal.say("\nThe dashboard stays up until ^C.")
        while !Task.isCancelled { try? await loop.sleep(for: .seconds(3600)) }
    }
}
