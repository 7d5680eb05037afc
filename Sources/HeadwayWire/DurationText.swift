import HeadwayCore

/// A span as people write it: `500ms`, `15s`, `4m`, `24h`, `7d`.
enum DurationText {
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]

    /// - Returns: nil unless it is a whole number of one unit, from 1 ms to 3,650 days.
    static func duration(_ text: String) -> Duration? {
        let digits = text.utf8.prefix { 48...57 ~= $0 }
        guard 1...15 ~= digits.count, let number = Int64(String(Substring(digits))) else { return nil }
        let name = String(text.dropFirst(digits.count))
        guard let unit = units.first(where: { $0.name == name }) else { return nil }
        let (milliseconds, overflow) = number.multipliedReportingOverflow(by: unit.milliseconds)
        guard !overflow, 1...(3650 * 86_400_000) ~= milliseconds else { return nil }
        return .milliseconds(milliseconds)
    }

    /// In the largest unit that is exact.
    static func text(_ duration: Duration) -> String {
        let milliseconds = duration.wholeMilliseconds
        for unit in units where milliseconds % unit.milliseconds == 0 {
            return "\(milliseconds / unit.milliseconds)\(unit.name)"
        }
        return "\(milliseconds)ms"
    }
}
