/// A text file as headings and paragraphs: what a reader sees, not how its lines are broken.
struct TextDocument: Sendable, Equatable {
    enum Block: Sendable, Equatable {
        case heading(String)
        case paragraph(String)
    }

    let blocks: [Block]

    /// Why bytes are not a text: what the demo answers for a picture or an archive.
    struct NotText: Error, Equatable, CustomStringConvertible {
        let offset: Int
        let byte: UInt8

        var description: String {
            let hex = String(byte, radix: 16)
            return "byte 0x\(hex.count < 2 ? "0" : "")\(hex) at offset \(offset) is not UTF-8 text"
        }
    }

    init(bytes: [UInt8]) throws(NotText) {
        if let fault = Self.firstFault(bytes) { throw NotText(offset: fault, byte: bytes[fault]) }
        self.init(text: String(decoding: bytes, as: UTF8.self))
    }

    init(text: String) {
        var blocks: [Block] = []
        var paragraph: [Substring] = []
        func close() {
            guard !paragraph.isEmpty else { return }
            let text = paragraph.map { Self.trim($0) }.joined(separator: " ")
            blocks.append(Self.isHeading(paragraph) ? .heading(Self.headline(text)) : .paragraph(text))
            paragraph = []
        }
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let line = line.hasSuffix("\r") ? line.dropLast() : line
            let bare = Self.trim(line)
            if bare.isEmpty || Self.isRule(bare) {
                if Self.isRule(bare), let title = paragraph.last, paragraph.count == 1, title.count < 90 {
                    blocks.append(.heading(Self.headline(Self.trim(title))))
                    paragraph = []
                }
                close()
            } else if bare.hasPrefix("#") {
                close()
                blocks.append(.heading(Self.headline(bare)))
            } else {
                paragraph.append(line)
            }
        }
        close()
        self.blocks = blocks
    }

    var paragraphs: [String] {
        blocks.compactMap { if case .paragraph(let text) = $0 { text } else { nil } }
    }

    /// The first heading, else the first words.
    var title: String {
        for case .heading(let text) in blocks { return text }
        return paragraphs.first.map { Self.firstWords($0) } ?? ""
    }

    // MARK: What is what

    /// The place of the first byte that is no UTF-8, or is a control character that no text has; nil if none.
    private static func firstFault(_ bytes: [UInt8]) -> Int? {
        // A BOM, tab, line feed, form feed and carriage return are fine; a zero never is.
        if let control = bytes.firstIndex(where: { $0 < 9 || (14...31).contains($0) && $0 != 27 }) {
            return min(control, firstBadSequence(bytes) ?? control)
        }
        return firstBadSequence(bytes)
    }

    private static func firstBadSequence(_ bytes: [UInt8]) -> Int? {
        if String(validating: bytes, as: UTF8.self) != nil { return nil }
        var parser = UTF8.ForwardParser()
        var rest = bytes.makeIterator()
        var offset = 0
        while true {
            switch parser.parseScalar(from: &rest) {
            case .valid(let scalar): offset += scalar.count
            case .error: return min(offset, bytes.count - 1)
            case .emptyInput: return nil
            }
        }
    }

    /// A line of its own, short and without a full stop, that is numbered, in capitals, or set apart.
    private static func isHeading(_ lines: [Substring]) -> Bool {
        guard lines.count == 1, let line = lines.first else { return false }
        let bare = trim(line)
        guard bare.count < 72, let last = bare.last, !",;:".contains(last) else { return false }
        let letters = bare.filter(\.isLetter)
        guard letters.count >= 3 else { return false }
        if letters.allSatisfy(\.isUppercase) { return true }
        if last == ".", !isNumbered(bare) { return false }
        return isNumbered(bare) || line.hasPrefix("          ")
    }

    /// `1. Definitions.`, `Section 2.`, `12) Scope`
    private static func isNumbered(_ text: some StringProtocol) -> Bool {
        let words = text.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, let first = words.first, let character = words[1].first else { return false }
        let number = first.prefix { $0.isNumber || $0 == "." }
        if !number.isEmpty, number.first?.isNumber == true,
            first.dropFirst(number.count).allSatisfy({ ").".contains($0) })
        {
            return character.isUppercase && text.count < 60
        }
        return ["section", "article", "chapter", "part", "appendix"].contains(first.lowercased())
            && character.isNumber
    }

    private static func isRule(_ line: some StringProtocol) -> Bool {
        guard line.count >= 3, let first = line.first, "=-*_~".contains(first) else { return false }
        return line.allSatisfy { $0 == first || $0 == " " }
    }

    private static func headline(_ text: some StringProtocol) -> String {
        let bare = text.drop { $0 == "#" || $0 == " " }
        let end = bare.reversed().drop { $0 == "#" || $0 == " " || $0 == "." }
        return String(String(end.reversed()).prefix(100))
    }

    static func firstWords(_ text: String, count: Int = 7) -> String {
        let words = text.split(whereSeparator: \.isWhitespace)
        return words.prefix(count).joined(separator: " ") + (words.count > count ? "…" : "")
    }

    private static func trim(_ text: some StringProtocol) -> String {
        let start = text.drop(while: \.isWhitespace)
        return String(start.reversed().drop(while: \.isWhitespace).reversed())
    }
}
