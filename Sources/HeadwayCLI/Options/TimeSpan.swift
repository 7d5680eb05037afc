/// Times as people write and read them: `500ms`, `15s`, `2m`, `4m12s`.
enum TimeSpan {
    private static let units: [(name: String, milliseconds: Double)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    /// - Returns: nil unless `text` is one non-negative number with a unit, or without one (seconds).
    static func parse(_ text: String) -> Duration? {
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = text[number.endIndex...]
        guard let value = Double(number), value.isFinite else { return nil }
        guard let scale = units.first(where: { $0.name == (unit.isEmpty ? "s" : unit) }) else { return nil }
        let milliseconds = value * scale.milliseconds
        return milliseconds <= 1e12 ? .milliseconds(Int64(milliseconds.rounded())) : nil
    }

    /// Two units at most, floored: `850ms`, `12s`, `4m12s`, `3h05m`, `2d4h`.
    static func of(_ duration: Duration) -> String {
        let milliseconds = max(0, Int64(duration / .milliseconds(1)))
        if milliseconds < 1000 { return "\(milliseconds)ms" }
        let seconds = milliseconds / 1000
        switch seconds {
        case ..<60: return "\(seconds)s"
        case ..<3600: return "\(seconds / 60)m\(twoDigits(seconds % 60))s"
        case ..<86_400: return "\(seconds / 3600)h\(twoDigits(seconds / 60 % 60))m"
        default: return "\(seconds / 86_400)d\(seconds / 3600 % 24)h"
        }
    }

    /// `0.84 s`, `12.3 s`, `4m12s`: for a result that is worth a digit more.
    static func precise(_ duration: Duration) -> String {
        let milliseconds = max(0, Int64(duration / .milliseconds(1)))
        switch milliseconds {
        case ..<10_000: return "\(milliseconds / 1000).\(twoDigits(milliseconds % 1000 / 10)) s"
        case ..<60_000: return "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s"
        default: return of(duration)
        }
    }

    private static func twoDigits(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
