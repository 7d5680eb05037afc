import EventLoop

/// Looks again and again whether this process still works, and feeds the service manager's watchdog as long as it does.
///
/// It lives on the loop that it vouches for, and asks the actors of other loops for their rounds: a loop that hangs,
/// this one or another, keeps the look from ending, and then nobody feeds. There is no helper thread that could.
actor Pulse {
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    /// What a part of the process tells at each look.
    struct Report: Sendable {
        /// Rounds made, by part.
        var rounds: [String: Int64] = [:]
        /// For people, such as `8 of 8 partitions`.
        var status: String?
    }

    private let loop: EventLoop
    private let manager: ServiceManager?
    private let log: Log
    private var signs: LifeSigns
    private var sources: [@Sendable () async -> Report] = []
    private var run: Task<Void, Never>?
    private var lastStatus = ""
    private var lastStuck: [String] = []

    init(on loop: EventLoop, manager: ServiceManager? = nil, log: Log) {
        self.loop = loop
        self.manager = manager
        self.log = log
        signs = LifeSigns(at: loop.clock.now, watchdog: manager?.watchdog)
    }

    /// Vouches for one more part from now on.
    func watch(_ source: @escaping @Sendable () async -> Report) { sources.append(source) }

    /// Looks once, then again and again until ``stop()``.
    func start() async {
        if let watchdog = manager?.watchdog, watchdog < LifeSigns.shortestWatchdog {
            log.warning(
                "the service manager's watchdog is shorter than \(LifeSigns.shortestWatchdog.components.seconds)s: "
                    + "while Redis is away it may end a process that only waits")
        }
        await look()
        guard run == nil else { return }
        run = Task(executorPreference: loop) { [weak self, loop, pause = signs.pause] in
            while !Task.isCancelled {
                try? await loop.sleep(for: pause)
                await self?.look()
            }
        }
    }

    /// A stopping process is not fed any more: its service manager has a deadline of its own for that.
    func stop() {
        run?.cancel()
        run = nil
    }

    /// What stands still; empty when all is well.
    var stuck: [String] { signs.stuck(at: loop.clock.now) }

    private func look() async {
        var rounds: [String: Int64] = [:]
        var status: [String] = []
        for source in sources {
            let report = await source()
            rounds.merge(report.rounds) { $1 }
            if let line = report.status { status.append(line) }
        }
        signs.look(rounds, at: loop.clock.now)
        let stuck = stuck
        if stuck != lastStuck {
            if stuck.isEmpty {
                log.warning("everything moves again")
            } else {
                log.error("stands still: \(stuck.joined(separator: ", "))")
            }
            lastStuck = stuck
        }
        guard let manager, !Task.isCancelled else { return }
        if stuck.isEmpty, manager.watchdog != nil { manager.tell(.alive) }
        let line =
            stuck.isEmpty ? status.joined(separator: "; ") : "stands still: \(stuck.joined(separator: ", "))"
        if line != lastStatus { manager.tell(.status(line)) }
        lastStatus = line
    }
}
