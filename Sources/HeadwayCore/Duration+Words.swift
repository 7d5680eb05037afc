extension Duration {
    /// For sentences: `250ms`, `35s`, `4m12s`, `1h5m`, `7d`. At most two units, floored.
    public var inWords: String {
        let milliseconds = max(wholeMilliseconds, 0)
        guard milliseconds >= 1000 else { return "\(milliseconds)ms" }
        let units: [(name: String, seconds: Int64)] = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)]
        var rest = milliseconds / 1000
        var words = ""
        for (place, unit) in units.enumerated() where rest >= unit.seconds {
            words += "\(rest / unit.seconds)\(unit.name)"
            rest %= unit.seconds
            let next = place + 1
            if next < units.count, rest >= units[next].seconds {
                words += "\(rest / units[next].seconds)\(units[next].name)"
            }
            break
        }
        return words
    }
}
