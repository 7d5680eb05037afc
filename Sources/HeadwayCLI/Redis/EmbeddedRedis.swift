import EventLoop
import Glibc
import Redis

/// A private `redis-server` for a process that was given no Redis: on a unix socket, with an append-only file under
/// the state directory, in a session of its own so that a ^C reaches us first.
///
///     starting ──▶ running ──▶ stopping ──▶ gone
///                    │  ▲
///                    └──┘ died: started again
///
/// It outlives a crash of ours on purpose (nothing is lost, workers go on publishing); the next one to come adopts
/// it. There are never two on one directory: the lock admits one of us, and who is alive there is asked of the kernel.
actor EmbeddedRedis {
    nonisolated let endpoint: RedisEndpoint
    /// For other processes: `unix:///…`.
    nonisolated let url: String
    nonisolated let directory: StateDirectory
    /// True when it was alive already.
    nonisolated let wasAdopted: Bool
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    private enum Body {
        case child(ChildProcess)
        case adopted(pid_t)

        var pid: pid_t {
            switch self {
            case .child(let child): child.pid
            case .adopted(let pid): pid
            }
        }
    }

    private let loop: EventLoop
    private let log: Log
    private let lock: StateLock
    private let plan: ChildProcess.Plan
    private var body: Body
    private var isStopping = false
    private var deaths = 0

    /// Starts or adopts, and waits until it answers.
    ///
    /// - Parameter patience: how long it may take to load its file.
    /// - Throws: ``Failure`` with what to do about it.
    static func start(
        in wanted: StateDirectory, sync: RedisCommandLine.Sync, environment: [String: String],
        on loop: EventLoop,
        log: Log, patience: Duration = .seconds(60)
    ) async throws -> EmbeddedRedis {
        let directory = try wanted.prepared()
        let lock = try StateLock(directory)
        let socket = try directory.socketPath()
        let line = RedisCommandLine(directory: directory.path, socket: socket, sync: sync)
        let plan = ChildProcess.Plan(
            arguments: line.arguments, environment: environment, output: .appending(path: directory.logFile),
            error: .appending(path: directory.logFile), hasOwnSession: true, directory: directory.path)
        let alive = RunningRedis.pid(in: directory)
        let body: Body = if let alive { .adopted(alive) } else { .child(try launch(plan, directory, socket)) }
        let redis = EmbeddedRedis(
            endpoint: RedisEndpoint(.unix(path: socket)), url: RedisURL.unix(socket), directory: directory,
            body: body,
            plan: plan, lock: lock, on: loop, log: log)
        try await redis.waitUntilReady(patience)
        try? FileAccess.write(redis.url + "\n", to: directory.file("redis.url"), mode: 0o600)
        await redis.watch()
        return redis
    }

    private init(
        endpoint: RedisEndpoint, url: String, directory: StateDirectory, body: Body, plan: ChildProcess.Plan,
        lock: StateLock, on loop: EventLoop, log: Log
    ) {
        self.endpoint = endpoint
        self.url = url
        self.directory = directory
        self.body = body
        self.plan = plan
        self.lock = lock
        self.loop = loop
        self.log = log
        wasAdopted = if case .adopted = body { true } else { false }
    }

    var pid: Int { Int(body.pid) }

    private static func launch(
        _ plan: ChildProcess.Plan, _ directory: StateDirectory, _ socket: String
    ) throws(Failure) -> ChildProcess {
        unsafe unlink(socket)
        do {
            return try ChildProcess.start(plan)
        } catch {
            guard error.isMissing else { throw Failure("\(error)") }
            throw Failure(
                "redis-server is not installed (or not in PATH): apt-get install redis-server, "
                    + "or give --redis URL of one that runs")
        }
    }

    // MARK: Ready

    private func waitUntilReady(_ patience: Duration) async throws {
        let end = loop.clock.now + patience
        var last = "it does not answer"
        while loop.clock.now < end {
            do throws(RedisError) {
                let connection = try await RedisConnection.connect(
                    to: endpoint, on: loop, timeout: .seconds(2), name: "headway-start")
                await connection.close()
                return
            } catch {
                last = error.detail
            }
            if let ending = ending() { throw Failure(diedAtStart(ending)) }
            // A new one listens within milliseconds; one that loads a long file takes its time.
            try await loop.sleep(for: .milliseconds(3))
        }
        throw Failure(
            "redis-server (process \(body.pid)) on \(directory.path) is alive but not ready: \(Printable.line(last)); "
                + "see \(directory.logFile), or end it with kill \(body.pid)")
    }

    private func diedAtStart(_ ending: String) -> String {
        let text = (try? FileAccess.read(directory.logFile)).map {
            String(decoding: $0.suffix(2000), as: UTF8.self)
        }
        let lines = (text ?? "").split(separator: "\n")
        let line = lines.last { $0.contains("#") || $0.contains("rror") } ?? lines.last ?? ""
        return "redis-server \(ending) at its start: \(Printable.line(String(line), limit: 300)) "
            + "(all of it in \(directory.logFile))"
    }

    /// How it ended; nil while it is alive.
    private func ending() -> String? {
        switch body {
        case .child(let child): child.poll().map { "\($0)" }
        case .adopted(let pid): RunningRedis.isRedis(pid, in: directory.path) ? nil : "went away"
        }
    }

    // MARK: Alive

    private func watch() {
        Task(executorPreference: loop) { [weak self, loop] in
            while true {
                try? await loop.sleep(for: .milliseconds(250))
                guard let self, await self.revive() else { return }
            }
        }
    }

    /// - Returns: false when nobody has to look any more.
    private func revive() async -> Bool {
        guard !isStopping else { return false }
        guard let ending = ending() else { return true }
        deaths += 1
        log.error("redis-server (process \(body.pid)) \(ending); starting it again", ["times": "\(deaths)"])
        // A disk that is full ends it again and again (it never acknowledges what it could not write).
        if deaths > 1 { try? await loop.sleep(for: .seconds(min(10, deaths))) }
        guard !isStopping, case .unix(let socket) = endpoint.address else { return false }
        do {
            body = .child(try Self.launch(plan, directory, socket))
        } catch {
            log.error("\(error)")
        }
        return true
    }

    // MARK: Gone

    /// Asks it to write what it has and to end, waits for that, and lets go of the directory.
    func stop() async {
        guard !isStopping else { return }
        isStopping = true
        ask()
        let end = loop.clock.now + .seconds(10)
        while ending() == nil {
            if loop.clock.now > end {
                log.error("redis-server (process \(body.pid)) does not end within 10 s; killing it")
                kill(body.pid, SIGKILL)
            }
            try? await loop.sleep(for: .milliseconds(5))
        }
        unsafe unlink(directory.file("redis.url"))
    }

    /// For a second signal: asks it to end and does not wait.
    func abandon() {
        isStopping = true
        ask()
    }

    /// Redis takes it as SHUTDOWN. One that is gone already is not asked: its number may be another's by now.
    private func ask() {
        if ending() == nil { kill(body.pid, SIGTERM) }
    }
}
