import Redis
import ReadAPI

/// One thing that `headway doctor` found: what, why it matters, and the command that mends it.
struct DoctorFinding: Sendable, Equatable {
    enum Level: String, Sendable, CaseIterable {
        /// Numbers are, or will be, wrong or missing.
        case error
        /// They can become so.
        case warning
        /// Worth knowing; nothing has to be done.
        case note
        /// It could not be looked at.
        case unknown
    }

    let level: Level
    /// A stable word for the check that found it.
    let check: String
    let what: String
    let why: String
    /// A command, or what a person must do.
    let mend: String

    init(_ level: Level, _ check: String, _ what: String, why: String, mend: String) {
        self.level = level
        self.check = check
        self.what = what
        self.why = why
        self.mend = mend
    }

    /// On one line.
    var line: String {
        let level = level.rawValue + String(repeating: " ", count: 8 - level.rawValue.count)
        return Printable.line("\(level) \(check): \(what): \(why). Do: \(mend)", limit: 1_000)
    }
}

/// All that was found.
struct DoctorReport: Sendable, Equatable {
    /// The gravest first.
    let findings: [DoctorFinding]

    init(_ findings: [DoctorFinding]) {
        let order = DoctorFinding.Level.allCases
        self.findings = order.flatMap { level in findings.filter { $0.level == level } }
    }

    /// The same, with commands that reach the Redis that was looked at.
    func reaching(_ endpoint: RedisEndpoint) -> DoctorReport {
        DoctorReport(
            findings.map {
                DoctorFinding(
                    $0.level, $0.check, $0.what, why: $0.why,
                    mend: $0.mend.replacing("redis-cli", with: endpoint.redisCLI))
            })
    }

    /// 1 when something is to be mended, 2 when nothing is as far as it could be seen, 0 when nothing is.
    var code: ExitCode {
        if findings.contains(where: { $0.level == .error || $0.level == .warning }) { return .failed }
        return findings.contains { $0.level == .unknown } ? ExitCode(number: 2) : .done
    }

    var summary: String {
        let counts = DoctorFinding.Level.allCases.compactMap { level -> String? in
            let count = findings.count { $0.level == level }
            guard count > 0 else { return nil }
            return level == .unknown
                ? "\(count) unknown" : "\(count) \(level.rawValue)\(count == 1 ? "" : "s")"
        }
        return counts.isEmpty ? "everything is as it should be" : counts.joined(separator: ", ")
    }

    var json: String {
        var json = JSONWriter()
        json.beginObject()
        json.field("exit", Int(code.number))
        json.key("findings")
        json.beginArray()
        for finding in findings {
            json.beginObject()
            json.field("level", finding.level.rawValue)
            json.field("check", finding.check)
            json.field("what", finding.what)
            json.field("why", finding.why)
            json.field("do", finding.mend)
            json.endObject()
        }
        json.endArray()
        json.endObject()
        return String(decoding: json.bytes, as: UTF8.self)
    }
}
