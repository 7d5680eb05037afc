import EventLoop
import HeadwayCore
import HeadwayWire
import Redis

/// `headway doctor`: is this Redis fit, and is everything well?
enum DoctorCommand {
    static let command = Command(
        name: "doctor", summary: "look whether everything is well, and say what to do", synopsis: "",
        details: """
            Looks at Redis (version, eviction, persistence, replication, memory, clock, latency, this user's \
            rights), at the namespace (owners, lag, what was lost, refused, fenced or differs from its members, \
            pipelines, lifetimes), and where it is told at a read API and a spool directory. Each finding is one \
            line: how grave, what, why it matters, what to do. It changes nothing.

            Exit status: 0 all is well, 1 something is to be mended (an error or a warning), 2 it cannot be told: \
            Redis does not answer, or does not let this user look.
            """,
        options: RedisChoice.options + [
            Option("api", nil, .text("URL"), "ask this read API too, such as http://127.0.0.1:8080"),
            Option("spool", nil, .text("DIR"), "look into this spool directory too"),
            Option(
                "role", nil, .choice(DoctorRights.Role.allCases.map(\.rawValue) + ["all", "none"]),
                "what this user's rights must be enough for", fallback: "all"),
            Option("json", nil, .flag, "one JSON object"),
        ],
        run: { try await run($0) })

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        guard arguments.words.isEmpty else { throw UsageError("takes no words") }
        let namespace = arguments.text("namespace") ?? Keyspace.defaultNamespace
        do {
            _ = try Keyspace(namespace: namespace, partitions: 1)
        } catch {
            throw UsageError("--namespace: \(error)")
        }
        let address = try arguments.text("api").map { url throws(UsageError) in try Self.address(of: url) }
        let redis = try RedisChoice.of(invocation)
        let loop = EventLoop(name: "doctor")
        let role = arguments.text("role") ?? "all"
        let roles = DoctorRights.Role.allCases.filter { role == "all" || $0.rawValue == role }
        var report: DoctorReport
        do throws(RedisError) {
            let connection = try await RedisConnection.connect(
                to: redis.endpoint, on: loop, name: "headway-doctor")
            let look = DoctorLook(
                connection: connection, endpoint: redis.endpoint, namespace: namespace, roles: roles,
                loop: loop)
            var facts = try await look.facts()
            if let spool = arguments.text("spool"), let keyspace = try await look.keyspace(&facts) {
                try await DoctorSpools.look(spool, keyspace, over: connection, into: &facts)
            }
            await connection.close()
            if let address { facts.api = await api(at: address) }
            report = DoctorJudgement.report(facts)
        } catch {
            report = DoctorReport([
                DoctorFinding(
                    .unknown, "redis", redis.advice(error), why: "nothing can be told without it",
                    mend: "redis-cli PING")
            ])
        }
        report = report.reaching(redis.endpoint)
        await loop.stop()
        if arguments.isOn("json") {
            Terminal.say(report.json)
        } else {
            for finding in report.findings { Terminal.say(finding.line) }
            Terminal.say(report.summary)
        }
        return report.code
    }

    /// - Throws: ``UsageError`` for anything but plain HTTP.
    private static func address(of url: String) throws(UsageError) -> ListenAddress {
        var text = url[...]
        if text.hasPrefix("http://") { text = text.dropFirst("http://".count) }
        while text.hasSuffix("/") { text = text.dropLast() }
        guard let address = ListenAddress(text.contains(":") ? String(text) : "\(text):80") else {
            throw UsageError("--api wants http://HOST:PORT, not \"\(Printable.line(url, limit: 60))\"")
        }
        return address
    }

    private static func api(at address: ListenAddress) async -> DoctorFacts.API {
        let probe = HTTPProbe(address: address)
        var api = DoctorFacts.API()
        do {
            api.readiness = try await probe.get("/readyz").status
            let page = try await probe.get("/metrics")
            guard page.status == 200 else { return api }
            for line in String(decoding: page.body, as: UTF8.self).split(separator: "\n")
            where !line.hasPrefix("#") {
                let name = String(line.prefix { $0 != "{" && $0 != " " })
                guard let value = line.split(separator: " ").last.flatMap({ Double($0) }) else { continue }
                api.metrics[name, default: 0] += value
            }
        } catch {
            api.problem = "\(error)"
        }
        return api
    }
}
