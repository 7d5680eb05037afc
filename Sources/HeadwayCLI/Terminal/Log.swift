import Glibc
import HeadwayCore
import HeadwayWire
import ReadAPI

/// What the operator hears: one line each, on standard error.
///
///     2026-03-01T09:30:00.125Z info  partition 3: taken fence=7
///     {"time":"2026-03-01T09:30:00.125Z","level":"info","message":"partition 3: taken","fence":"7"}
struct Log: Sendable {
    enum Level: Int, Sendable, Comparable {
        case debug, info, warning, error

        init(_ name: String) {
            switch name {
            case "debug": self = .debug
            case "warning": self = .warning
            case "error": self = .error
            default: self = .info
            }
        }

        static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

        var name: String {
            switch self {
            case .debug: "debug"
            case .info: "info"
            case .warning: "warning"
            case .error: "error"
            }
        }
    }

    enum Format: Sendable { case text, json }

    var level = Level.info
    var format = Format.text
    /// Where lines go; each call is one line with its end.
    var write: @Sendable (String) -> Void = { Terminal.write($0, to: STDERR_FILENO) }
    var now: @Sendable () -> Timestamp = { .wallClock }

    func debug(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
        say(.debug, message, fields)
    }
    func info(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
        say(.info, message, fields)
    }
    func warning(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
        say(.warning, message, fields)
    }
    func error(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
        say(.error, message, fields)
    }

    func say(_ level: Level, _ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
        guard level >= self.level else { return }
        write(line(level, message, fields))
    }

    private func line(_ level: Level, _ message: String, _ fields: KeyValuePairs<String, String>) -> String {
        let time = now().iso8601
        switch format {
        case .text:
            let name = level.name + String(repeating: " ", count: max(0, 7 - level.name.count))
            let tail = fields.map { " \($0)=\(Self.word($1))" }.joined()
            return "\(time) \(name) \(Printable.line(message))\(tail)\n"
        case .json:
            let pairs =
                [("time", time), ("level", level.name), ("message", message)] + fields.map { ($0, $1) }
            return "{"
                + pairs.map { "\(JSON.string($0).text):\(JSON.string($1).text)" }.joined(separator: ",")
                + "}\n"
        }
    }

    private static func word(_ text: String) -> String {
        let safe = Printable.line(text)
        return safe.isEmpty || safe.contains(where: { $0 == " " || $0 == "\"" })
            ? JSON.string(safe).text : safe
    }
}

extension Timestamp {
    /// The machine's clock: only for log lines and names, never for judging a job.
    static var wallClock: Timestamp {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return Timestamp(milliseconds: Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000)
    }
}
