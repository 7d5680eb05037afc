import Glibc

/// What is counted in a text, paragraph by paragraph, and what follows from the counts.
struct TextStatistics: Sendable, Equatable {
    private(set) var paragraphs = 0
    private(set) var sentences = 0
    private(set) var words = 0
    private(set) var syllables = 0
    private(set) var letters = 0
    private(set) var longestSentence = 0
    /// Words per sentence, in reading order: the profile that the artwork draws.
    private(set) var sentenceLengths: [Int] = []
    /// How often each word occurs, in lower case.
    private(set) var frequencies: [String: Int] = [:]

    init() {}

    mutating func add(paragraph text: String) {
        paragraphs += 1
        for sentence in Self.sentences(of: text) {
            let tokens = Self.words(of: sentence)
            guard !tokens.isEmpty else { continue }
            sentences += 1
            words += tokens.count
            longestSentence = max(longestSentence, tokens.count)
            sentenceLengths.append(tokens.count)
            for word in tokens {
                letters += word.count
                syllables += Self.syllables(of: word)
                frequencies[word, default: 0] += 1
            }
        }
    }

    // MARK: What follows

    var wordsPerSentence: Double { sentences > 0 ? Double(words) / Double(sentences) : 0 }
    var syllablesPerWord: Double { words > 0 ? Double(syllables) / Double(words) : 0 }
    var lettersPerWord: Double { words > 0 ? Double(letters) / Double(words) : 0 }

    /// Different words among all words, 0 to 1.
    var typeTokenRatio: Double { words > 0 ? Double(frequencies.count) / Double(words) : 0 }

    /// Flesch's reading ease: 60–70 is plain English, under 30 is for graduates; it has no bounds.
    var readingEase: Double {
        words > 0 ? 206.835 - 1.015 * wordsPerSentence - 84.6 * syllablesPerWord : 0
    }

    /// Flesch and Kincaid's grade: years of school.
    var grade: Double {
        words > 0 ? 0.39 * wordsPerSentence + 11.8 * syllablesPerWord - 15.59 : 0
    }

    var readability: String {
        switch readingEase {
        case 90...: "very easy"
        case 80..<90: "easy"
        case 70..<80: "fairly easy"
        case 60..<70: "plain English"
        case 50..<60: "fairly difficult"
        case 30..<50: "difficult"
        default: "very difficult"
        }
    }

    /// At 238 words a minute, the mean of silent reading (Brysbaert 2019); at least one.
    var readingMinutes: Int { max(1, Int((Double(words) / 238).rounded())) }

    // MARK: Counting

    /// Sentences end at `.`, `!` or `?` before white space and something that can begin a sentence; not after
    /// an abbreviation or an initial.
    static func sentences(of text: String) -> [Substring] {
        var found: [Substring] = []
        var start = text.startIndex
        var index = start
        while index < text.endIndex {
            let next = text.index(after: index)
            if ".!?".contains(text[index]), endsSentence(text, at: index) {
                var end = next
                while end < text.endIndex, "\"'”’)]".contains(text[end]) { end = text.index(after: end) }
                found.append(text[start..<end])
                start = end
                index = end
            } else {
                index = next
            }
        }
        if start < text.endIndex { found.append(text[start...]) }
        return found
    }

    private static func endsSentence(_ text: String, at index: String.Index) -> Bool {
        var next = text.index(after: index)
        while next < text.endIndex, "\"'”’)]".contains(text[next]) { next = text.index(after: next) }
        guard next < text.endIndex else { return true }
        guard text[next].isWhitespace else { return false }
        guard let begin = text[next...].first(where: { !$0.isWhitespace }) else { return true }
        guard begin.isUppercase || begin.isNumber || "\"'“‘([*-".contains(begin) else { return false }
        guard text[index] == "." else { return true }
        let word = text[..<index].reversed().prefix { $0.isLetter || $0 == "." }
        let before = String(word.reversed()).lowercased()
        return before.count != 1 && !abbreviations.contains(before)
    }

    private static let abbreviations: Set<String> = [
        "e.g", "i.e", "etc", "vs", "cf", "mr", "mrs", "ms", "dr", "prof", "st", "inc", "ltd", "co", "corp",
        "no",
        "vol", "fig", "sec", "u.s", "u.s.c", "u.k", "a.k.a", "approx", "p", "pp",
    ]

    /// Runs of letters and digits with at least one letter, in lower case; an apostrophe or hyphen inside stays.
    static func words(of text: some StringProtocol) -> [String] {
        var found: [String] = []
        var word = ""
        var joint: Character?
        func close() {
            if word.contains(where: \.isLetter) { found.append(word) }
            word = ""
            joint = nil
        }
        for character in text {
            if character.isLetter || character.isNumber {
                if let mark = joint { word.append(mark) }
                joint = nil
                word += character.lowercased()
            } else if "'’-".contains(character), !word.isEmpty, joint == nil {
                joint = character == "’" ? "'" : character
            } else if character == ".", joint == nil, word.count == 1 || word.dropLast().last == "." {
                joint = "."  // e.g. and U.S. are one word each.
            } else {
                close()
            }
        }
        close()
        return found
    }

    /// Groups of vowels, without a silent `e` at the end; at least one. An estimate, as in every such tool.
    static func syllables(of word: String) -> Int {
        let letters = Array(word.utf8)
        func isVowel(_ byte: UInt8) -> Bool { byte >= 128 || "aeiouy".utf8.contains(byte) }
        var count = 0
        var before = false
        for byte in letters {
            let vowel = isVowel(byte)
            if vowel, !before { count += 1 }
            before = vowel
        }
        let end = letters.suffix(3).map { $0 }
        if end.count == 3, end[2] == UInt8(ascii: "e"), !isVowel(end[1]),
            !(end[1] == UInt8(ascii: "l") && !isVowel(end[0]))
        {
            count -= 1
        }
        if end.count == 3, end[1] == UInt8(ascii: "e"), end[2] == UInt8(ascii: "d"),
            !"td".utf8.contains(end[0]),
            !isVowel(end[0])
        {
            count -= 1
        }
        return max(1, count)
    }
}
