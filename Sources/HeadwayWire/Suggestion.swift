/// What somebody may have meant by a word that is none.
package enum Suggestion {
    /// - Returns: nil when nothing is near: the same but for case, within two mistakes (one for short words, three for
    ///   long ones), or else the first that begins with it.
    package static func nearest(to word: String, among known: [String]) -> String? {
        guard word.utf8.count <= 64 else { return nil }
        let typed = word.lowercased()
        if let same = known.first(where: { $0.lowercased() == typed }) { return same }
        let near = known.map {
            (word: $0, mistakes: mistakes(Array(typed.utf8), Array($0.lowercased().utf8)))
        }
        if let best = near.min(by: { $0.mistakes < $1.mistakes }), best.mistakes <= limit(best.word) {
            return best.word
        }
        return typed.count < 2 ? nil : known.first { $0.lowercased().hasPrefix(typed) }
    }

    private static func limit(_ word: String) -> Int {
        switch word.utf8.count {
        case ..<5: 1
        case ..<15: 2
        default: 3
        }
    }

    /// Letters to insert, delete, replace or swap with their neighbour.
    private static func mistakes(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var rows = [Array(0...b.count)]
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
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

extension Suggestion {
    /// The type that a producer probably meant by one that does not exist.
    package static func type(near word: String) -> String? {
        guard EventType(rawValue: word) == nil else { return nil }
        return nearest(to: word, among: EventType.allCases.filter { !$0.isInternal }.map(\.rawValue))
    }

    /// The field of an event that a producer probably meant by one that does not exist.
    package static func field(near word: String) -> String? {
        guard EventField.table[Array(word.utf8)[...]] == nil else { return nil }
        return nearest(to: word, among: EventField.allCases.map { String(describing: $0) })
    }
}
