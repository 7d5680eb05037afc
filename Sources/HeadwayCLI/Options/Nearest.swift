/// What somebody probably meant.
enum Nearest {
    /// The candidate with the fewest typing mistakes, if they are few for its length.
    static func word(to typed: String, among candidates: [String]) -> String? {
        let scored = candidates.map { ($0, distance(typed.lowercased(), $0)) }
        guard let best = scored.min(by: { $0.1 < $1.1 }), best.1 <= max(1, best.0.count / 3) else {
            return candidates.first { typed.count >= 2 && $0.hasPrefix(typed.lowercased()) }
        }
        return best.0
    }

    /// Letters to insert, delete, replace or swap with their neighbour.
    static func distance(_ a: String, _ b: String) -> Int {
        let a = Array(a.unicodeScalars)
        let b = Array(b.unicodeScalars)
        var rows = [Array(0...b.count)]
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                var cost = min(rows[i][j] + (a[i] == b[j] ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                    cost = min(cost, rows[i - 1][j - 1] + 1)
                }
                row.append(cost)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
