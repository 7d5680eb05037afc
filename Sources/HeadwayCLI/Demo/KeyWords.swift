import Glibc

/// Which words set one scene apart from the others of its book: frequent here, rare elsewhere (TF-IDF).
struct KeyWords: Sendable {
    private let scenes: Int
    private var occurrences: [String: Int] = [:]

    init(_ scenes: [Scene]) {
        self.scenes = scenes.count
        for scene in scenes {
            for word in scene.statistics.frequencies.keys { occurrences[word, default: 0] += 1 }
        }
    }

    /// - Returns: the best first; equal ones by the alphabet, so that a book always gives the same.
    func of(_ scene: Scene, count: Int = 6) -> [String] {
        let total = Double(max(1, scene.statistics.words))
        let scored = scene.statistics.frequencies.compactMap {
            word, times -> (word: String, score: Double)? in
            guard word.count > 3, !Self.stopWords.contains(word), word.contains(where: \.isLetter) else {
                return nil
            }
            let rarity = log(1 + Double(scenes) / Double(occurrences[word] ?? 1))
            return (word, Double(times) / total * rarity)
        }
        return scored.sorted { ($1.score, $0.word) < ($0.score, $1.word) }.prefix(count).map(\.word)
    }

    /// English words that say nothing about a text.
    static let stopWords: Set<String> = Set(
        """
        about above after again against also although always among and another any anyone anything are aren't around
        because been before being below between both but can cannot could did does doing done down during each either
        else even ever every everything few for from further had has have having her here hers herself him himself his
        how however into itself its just least less like made make many may might more most much must neither never
        nevertheless nor not nothing now off once one only onto other others otherwise ought our ours ourselves out over
        own per rather same shall should since some such than that the their theirs them themselves then there therefore
        these they thing things this those though through thus too under unless until upon used uses using various very
        was well were what whatever when where whether which while who whole whom whose why will with within without
        would yes yet you your yours yourself
        """.split(whereSeparator: \.isWhitespace).map(String.init))
}
