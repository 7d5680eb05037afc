/// What somebody may have meant by a word that is none.
package enum Suggestion {
    /// - Returns: nil when nothing is near: the same but for case, or within two edits (one, for short words).
    package static func nearest(to word: String, among known: [String]) -> String? {
        guard word.utf8.count <= 64 else { return nil }
        if let same = known.first(where: { $0.lowercased() == word.lowercased() }) { return same }
        let limit = word.utf8.count < 5 ? 1 : 2
        let near = known.map { (word: $0, edits: edits(from: Array(word.utf8), to: Array($0.utf8))) }
        return near.filter { $0.edits <= limit }.min { $0.edits < $1.edits }?.word
    }

    /// The Levenshtein distance.
    private static func edits(from a: [UInt8], to b: [UInt8]) -> Int {
        var row = Array(0...b.count)
        for (i, byte) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in b.enumerated() {
                let above = row[j + 1]
                row[j + 1] = byte == other ? diagonal : min(diagonal, above, row[j]) + 1
                diagonal = above
            }
        }
        return row[b.count]
    }
}
