import Aggregator
import EventLoop
import Glibc
import HeadwayWire

/// `headway up`, `aggregate` and `serve`: the same rooms, all of them or one each.
enum DaemonCommands {
    static let up = Command(
        name: "up", summary: "everything in one process: aggregator, read API and dashboard", synopsis: "",
        details: """
            Without --redis it starts a private redis-server (on a unix socket, with an append-only file under the \
            state directory) and stops it on exit; one that is still alive after a crash is adopted.

            SIGTERM and SIGINT drain: no accepted event is lost. A second one does not wait.
            """,
        options: RedisChoice.options + [
            DaemonOptions.listen, DaemonOptions.partitions, DaemonOptions.lease, DaemonOptions.sync,
            DaemonOptions.operatorToken, DaemonOptions.allowOrigin, DaemonOptions.grace,
        ] + WebhookChoice.options + [WebhookChoice.polls],
        run: { invocation in
            var plan = Station.Plan(invocation.arguments)
            plan.webhooks = try WebhookChoice.read(invocation.arguments)
            plan.pollSummaries = try WebhookChoice.readPolls(invocation.arguments)
            if plan.pollSummaries != nil, plan.webhooks == nil {
                throw UsageError("--webhook-polls needs --webhook: else nobody would post them")
            }
            plan.allowedOrigins = try DaemonOptions.allowedOrigins(invocation.arguments)
            return try await run(plan, invocation, embeds: invocation.arguments.text("redis") == nil)
        })

    static let aggregate = Command(
        name: "aggregate", summary: "an aggregator on its own; several share the work",
        synopsis: "",
        details:
            """
            Folds the workers' events into states. A partition has one owner at a time. Several instances share the \
            partitions evenly, hand them over when one comes or goes, and take over what one that died leaves.
            """,
        options: RedisChoice.options + [
            DaemonOptions.partitions, DaemonOptions.lease, DaemonOptions.metrics,
        ] + WebhookChoice.options,
        run: { invocation in
            var plan = Station.Plan(invocation.arguments)
            plan.webhooks = try WebhookChoice.read(invocation.arguments)
            plan.serves = false
            return try await run(plan, invocation, embeds: false)
        })

    static let serve = Command(
        name: "serve", summary: "the read API and dashboard on their own: any number of them", synopsis: "",
        details: """
            Serves what the aggregators write. Takes over a listening socket that it inherits (LISTEN_FDS), so that \
            a restart refuses nobody.
            """,
        options: RedisChoice.options + [
            DaemonOptions.listen, DaemonOptions.partitions, DaemonOptions.operatorToken,
            DaemonOptions.allowOrigin, DaemonOptions.grace, WebhookChoice.polls,
        ],
        run: { invocation in
            var plan = Station.Plan(invocation.arguments)
            plan.pollSummaries = try WebhookChoice.readPolls(invocation.arguments)
            plan.allowedOrigins = try DaemonOptions.allowedOrigins(invocation.arguments)
            plan.aggregates = false
            return try await run(plan, invocation, embeds: false)
        })

    private static func run(_ plan: Station.Plan, _ invocation: Invocation, embeds: Bool) async throws
        -> ExitCode
    {
        if let word = invocation.arguments.words.first {
            throw UsageError("takes no arguments, and \"\(Printable.line(word, limit: 40))\" is one")
        }
        try plan.check()
        var plan = plan
        plan.manager = manager(invocation)
        let loop = EventLoop(name: "headway")
        let signals = Signals(on: loop)
        defer { signals.restore() }
        let log = invocation.log
        let opening = Task { [plan] in try await open(plan, invocation, embeds: embeds, on: loop) }

        var iterator = signals.stream.makeAsyncIterator()
        let station: Station
        do {
            station = try await opening.value
        } catch {
            await loop.stop()
            throw error
        }
        await announce(station, plan, invocation, embeds: embeds)

        if let reason = plan.manager?.tell(.ready) {
            log.warning("the service manager cannot be told that this is ready: \(reason)")
        }

        guard let first = await iterator.next() else { return .failed }
        plan.manager?.tell(.stopping, .status("draining"))
        log.info("\(SignalName.of(first)): draining; once more to end at once")
        let insisting = Task {
            for await number in signals.stream {
                log.warning("\(SignalName.of(number)) again: ending at once")
                await station.abandon()
                exit(128 + number)
            }
        }
        await station.close()
        insisting.cancel()
        await signals.cancel()
        await loop.stop()
        log.info("stopped")
        return .done
    }

    private static func manager(_ invocation: Invocation) -> ServiceManager? {
        do {
            return try ServiceManager.of(invocation.environment)
        } catch {
            invocation.log.warning("the service manager is told nothing: \(error)")
            return nil
        }
    }

    private static func open(
        _ plan: Station.Plan, _ invocation: Invocation, embeds: Bool, on loop: EventLoop
    ) async throws -> Station {
        let log = invocation.log
        guard embeds else {
            let choice = try await RedisChoice.of(invocation).checked(on: loop)
            return try await Station.open(plan, choice, on: loop, log: log)
        }
        let directory = try StateDirectory(
            option: invocation.arguments.text("state"), environment: invocation.environment)
        let sync =
            invocation.arguments.text("fsync").flatMap { RedisCommandLine.Sync(rawValue: $0) } ?? .always
        let redis = try await EmbeddedRedis.start(
            in: directory, sync: sync, environment: invocation.environment, on: loop, log: log)
        let what = redis.wasAdopted ? "adopted, it was still alive" : "started"
        log.info("redis-server \(what)", ["pid": "\(await redis.pid)", "state": redis.directory.path])
        return try await Station.open(plan, RedisChoice(redis), embedded: redis, on: loop, log: log)
    }

    private static func announce(
        _ station: Station, _ plan: Station.Plan, _ invocation: Invocation, embeds: Bool
    ) async {
        if plan.aggregates {
            let owned = await station.waitForOwnership(.milliseconds(400))
            let total = station.keyspace.partitions
            if owned < total {
                invocation.log.info(
                    "owns \(owned) of \(total) partitions for now; the others are taken when their owners' leases end"
                )
            }
        }
        if let address = await station.address {
            Terminal.say("Headway is up: \(address.url)")
        } else {
            Terminal.say("Headway aggregates namespace \(plan.namespace).")
        }
        if let address = await station.metricsAddress {
            Terminal.say("Metrics are at \(address.url)metrics")
        }
        if let webhooks = plan.webhooks {
            let names = webhooks.receivers.map(\.name).joined(separator: ", ")
            let types = WebhookEventType.ofCommits.filter { webhooks.events.contains($0) }.map(\.rawValue)
            Terminal.say("Webhooks go to \(names): \(types.joined(separator: ", "))")
        }
        if let period = plan.pollSummaries {
            let who = plan.webhooks == nil ? "; an aggregator with --webhook posts them" : ""
            Terminal.say("Polls are summed up in webhooks every \(TimeSpan.of(period))\(who)")
        }
        if embeds { Terminal.say("Workers connect to \(station.redis.url)") }
        Terminal.say("Stop it with \(invocation.terminal.isLive ? "^C or " : "")kill \(getpid())")
    }
}
