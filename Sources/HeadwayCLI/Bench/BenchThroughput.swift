import Glibc
import HeadwayCore
import HeadwayWire
import Redis

/// Three rows of one run: the limit, draining a backlog, and end to end.
struct BenchThroughput: Sendable {
    private let invocation: Invocation
    private let events: Int
    private let jobs: Int
    private let publishers: Int

    init(_ invocation: Invocation) {
        self.invocation = invocation
        events = invocation.arguments.count("events") ?? 500_000
        jobs = invocation.arguments.count("jobs") ?? 10_000
        publishers = invocation.arguments.count("publishers") ?? 4
    }

    func run() async throws {
        let redis = try await BenchRedis.start(invocation)
        do {
            try await measure(redis)
        } catch {
            await redis.stop()
            throw error
        }
        await redis.stop()
    }

    private func measure(_ redis: BenchRedis) async throws {
        Terminal.say("redis-server without persistence, unix socket; \(Self.cores) cores; one run")
        let limit = try await rawXADD(redis)
        row("raw pipelined XADD, 8 fields (redis-benchmark -P 50)", limit, of: limit)
        row(
            "draining \(events) events of \(jobs) jobs in 20 bulks, 1 aggregator", try await drain(redis),
            of: limit)
        row(
            "end to end, \(publishers) publisher processes, 1 aggregator", try await endToEnd(redis),
            of: limit)
    }

    private func row(_ name: String, _ rate: Double, of limit: Double) {
        let thousands = Self.fixed(rate / 1000, 1)
        let text =
            name.padding(to: 66) + thousands.leftPadded(to: 9) + " k/s"
            + Self.fixed(rate / limit, 2).leftPadded(to: 8)
        Terminal.say(text)
    }

    // MARK: The limit

    private func rawXADD(_ redis: BenchRedis) async throws -> Double {
        let text = try await redis.output(of: [
            "redis-benchmark", "-s", redis.socket, "-n", "\(events)", "-P", "50", "-c", "1", "--csv", "XADD",
            "limit",
            "*", "type", "stage.progressed", "subject", "job-1", "attempt", "1", "source", "bench", "id", "1",
            "stage", "ANALYZING", "done", "3", "total", "10",
        ])
        let fields = text.split(separator: "\n").last?.split(separator: "\"").map(String.init) ?? []
        guard let rate = fields.compactMap(Double.init).first else {
            throw Failure(
                "redis-benchmark (Debian's redis-tools) gave no figure: \(Printable.line(text, limit: 200))")
        }
        return rate
    }

    // MARK: Draining a backlog

    private func drain(_ redis: BenchRedis) async throws -> Double {
        try await redis.reset()
        try await fill(redis)
        let start = ContinuousClock.now
        let aggregator = try redis.headway(["aggregate", "--redis", redis.url])
        try await waitFor(redis, events)
        let time = start.duration(to: .now)
        await redis.end(aggregator)
        return Double(events) / Self.seconds(time)
    }

    /// Consecutive events are of different jobs, as in a fleet: a batch changes about as many jobs as it has events.
    private func fill(_ redis: BenchRedis) async throws {
        let stages = ["ANALYZING", "GENERATING_SCENES", "CREATING_ARTWORK"]
        let rounds = max(3, events / jobs)
        var numbers = [Int64](repeating: 0, count: redis.keyspace.partitions)
        var batch = CommandBatch()
        var fields = FieldBuffer()
        var sent = 0
        for round in 0..<rounds + 1 {
            for job in 0..<jobs where sent < events {
                let id = JobID(unchecked: "job-\(job)")
                let word: JobWord
                if round == 0 {
                    word = .started(
                        worker: "w-\(job % 64)",
                        Registration(
                            pipeline: PipelineName(name: "book"), bulk: BulkID(unchecked: "bulk-\(job % 20)"))
                    )
                } else if round == rounds - 1 {
                    word = .completed(result: "r/\(job)", message: nil)
                } else {
                    let place = (round - 1) * 3 / max(1, rounds - 2)
                    let first = (place * (rounds - 2) + 2) / 3
                    word = .stageProgressed(
                        StageMention(stages[min(place, 2)], message: "Working on part \(round)"),
                        .count(done: round - 1 - first + 1, total: rounds), substep: nil)
                }
                let partition = redis.keyspace.partition(of: id)
                numbers[partition] += 1
                var event = ProgressEvent(id, word, attempt: 1)
                event.sequence = ProgressEvent.Sequence(source: "bench", id: numbers[partition])
                fields.removeAll(keepingCapacity: true)
                event.encode(into: &fields)
                batch.begin("XADD", argumentCount: 2 + 2 * fields.count)
                batch.append(redis.keyspace.events(partition))
                batch.append("*")
                batch.append(parts: fields.bytes, endingAt: fields.ends)
                sent += 1
                if batch.count == 1000 {
                    _ = try await redis.client.send(batch)
                    batch.removeAll(keepingCapacity: true)
                }
            }
        }
        if batch.count > 0 { _ = try await redis.client.send(batch) }
    }

    // MARK: End to end

    private func endToEnd(_ redis: BenchRedis) async throws -> Double {
        try await redis.reset()
        let aggregator = try redis.headway(["aggregate", "--redis", redis.url])
        try await Task.sleep(for: .milliseconds(300))
        let start = ContinuousClock.now
        var processes: [ChildProcess] = []
        for number in 0..<publishers {
            processes.append(
                try redis.headway(["bench", "publisher", redis.url, "\(number)", "\(jobs / publishers)"]))
        }
        for process in processes {
            while true {
                if let ending = process.poll() {
                    guard ending.code == 0 else { throw Failure("a publisher failed: \(ending)") }
                    break
                }
                try await Task.sleep(for: .milliseconds(5))
            }
        }
        let added = try await redis.added()
        try await waitFor(redis, added)
        let time = start.duration(to: .now)
        await redis.end(aggregator)
        return Double(added) / Self.seconds(time)
    }

    private func waitFor(_ redis: BenchRedis, _ count: Int) async throws {
        let deadline = ContinuousClock.now + .seconds(300)
        while try await redis.consumed() < count {
            guard ContinuousClock.now < deadline else { throw Failure("not drained within five minutes") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    static var cores: Int { sysconf(CInt(_SC_NPROCESSORS_ONLN)) }

    static func seconds(_ time: Duration) -> Double { time / .seconds(1) }

    static func fixed(_ number: Double, _ digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let rounded = Int((number * scale).rounded())
        let text = String(abs(rounded))
        guard digits > 0 else { return text }
        let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
        return (rounded < 0 ? "-" : "") + padded.dropLast(digits) + "." + padded.suffix(digits)
    }
}

extension String {
    fileprivate func padding(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
    fileprivate func leftPadded(to width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }
}
