import EventLoop
import Glibc
import HeadwayCore
import HeadwayWire
import Redis
import Synchronization

/// From `XADD` to the frame at an SSE client, one event at a time; and how soon a server that is started is ready.
struct BenchLatency: Sendable {
    private let invocation: Invocation
    private let samples: Int

    init(_ invocation: Invocation) {
        self.invocation = invocation
        samples = invocation.arguments.count("samples") ?? 200
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
        try await redis.reset()
        let address = ListenAddress(host: "127.0.0.1", port: Self.freePort())
        var starts: [Double] = []
        for _ in 1..<Self.starts {
            let (server, took) = try await start(redis, address)
            starts.append(took)
            await redis.end(server)
        }
        let (server, took) = try await start(redis, address)
        starts.append(took)
        let job = JobID(unchecked: "latency")
        let shared = Arrivals()
        try await publish(
            redis, job, .started(worker: "bench", Registration(pipeline: PipelineName(name: "book"))))
        let stream = EventReader(address: address, target: "/v1/stream?jobs=\(job)")
        Thread.detached { stream.read { line in shared.note(line) } }
        guard await shared.waitForFirst() else {
            throw Failure("the stream sent nothing within five seconds")
        }
        // A job's image is read at most every 50 ms; the first sample must not fall on the opening of the stream.
        try await Task.sleep(for: .milliseconds(300))

        var sent: [ContinuousClock.Instant] = []
        for number in 1...samples {
            sent.append(.now)
            try await publish(
                redis, job,
                .stageProgressed(
                    StageMention("ANALYZING", message: "sample-\(number)."),
                    .count(done: number, total: samples + 1), substep: nil))
            try await Task.sleep(for: .milliseconds(80))
        }
        try await Task.sleep(for: .milliseconds(200))
        await redis.end(server)
        let seen = shared.times
        let delays = (1...samples).compactMap { number in
            seen[number].map { BenchThroughput.seconds(sent[number - 1].duration(to: $0)) * 1000 }
        }.sorted()
        guard delays.count > samples / 2 else {
            throw Failure("only \(delays.count) of \(samples) frames came")
        }
        Terminal.say("\(BenchThroughput.cores) cores; one run; milliseconds")
        Terminal.say(
            Self.row("publish to frame at an SSE client, \(delays.count) of \(samples) samples", delays))
        Terminal.say(
            Self.row("headway up to ready, Redis answering, \(starts.count) starts", starts.sorted()))
        Terminal.say(Self.row("what this machine adds to a sleep of 1 ms by itself", Self.overshoots()))
    }

    private static let starts = 10

    /// A server that says that it is ready, and after how many milliseconds it did, its process' start included.
    private func start(
        _ redis: BenchRedis, _ address: ListenAddress
    ) async throws -> (server: ChildProcess, took: Double) {
        let began = ContinuousClock.now
        let server = try redis.headway(["up", "--redis", redis.url, "--listen", "\(address)"])
        while began.duration(to: .now) < .seconds(10) {
            if (try? await HTTPProbe(address: address).get("/readyz"))?.status == 200 {
                return (server, BenchThroughput.seconds(began.duration(to: .now)) * 1000)
            }
            try await Task.sleep(for: .milliseconds(2))
        }
        await redis.end(server)
        throw Failure("headway up is not ready after ten seconds")
    }

    private static func row(_ name: String, _ sorted: [Double]) -> String {
        func at(_ part: Double) -> String {
            BenchThroughput.fixed(sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))], 2)
        }
        return "\(name): p50 \(at(0.5))  p90 \(at(0.9))  p99 \(at(0.99))  max \(at(1))"
    }

    /// The limit of the same run: how late the scheduler wakes a thread that asked for a millisecond.
    private static func overshoots() -> [Double] {
        (0..<3000).map { _ in
            let start = ContinuousClock.now
            usleep(1000)
            return BenchThroughput.seconds(start.duration(to: .now)) * 1000 - 1
        }.sorted()
    }

    private func publish(_ redis: BenchRedis, _ id: JobID, _ word: JobWord) async throws {
        var fields = FieldBuffer()
        ProgressEvent(id, word, attempt: 1).encode(into: &fields)
        var batch = CommandBatch()
        batch.begin("XADD", argumentCount: 2 + 2 * fields.count)
        batch.append(redis.keyspace.events(redis.keyspace.partition(of: id)))
        batch.append("*")
        batch.append(parts: fields.bytes, endingAt: fields.ends)
        _ = try await redis.client.send(batch)
    }

    private static func freePort() -> Int {
        for port in 18_080..<18_180 where FrontDoor.isFree(ListenAddress(host: "127.0.0.1", port: port)) {
            return port
        }
        return 18_080
    }
}

/// When each sample's frame arrived.
private final class Arrivals: Sendable {
    private struct State {
        var times: [Int: ContinuousClock.Instant] = [:]
        var hasAny = false
    }

    private let state = Mutex(State())

    var times: [Int: ContinuousClock.Instant] { state.withLock { $0.times } }

    func note(_ line: String) {
        let now = ContinuousClock.now
        state.withLock { state in
            state.hasAny = true
            let bytes = Array(line.utf8)
            guard let mark = bytes.firstRange(of: Array("sample-".utf8)),
                let end = bytes[mark.upperBound...].firstIndex(of: UInt8(ascii: ".")),
                let number = Int(String(decoding: bytes[mark.upperBound..<end], as: UTF8.self)),
                state.times[number] == nil
            else { return }
            state.times[number] = now
        }
    }

    func waitForFirst() async -> Bool {
        for _ in 0..<500 {
            if state.withLock({ $0.hasAny }) { return true }
            try? await Task.sleep(for: .milliseconds(10))
        }
        return false
    }
}
