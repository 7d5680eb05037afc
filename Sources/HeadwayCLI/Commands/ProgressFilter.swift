/// Finds a program's progress lines in its output, and lets everything else through as it comes.
///
/// A line `headway: 3/10 message` or `3/10` is progress and disappears. Any other byte passes unchanged, and at once:
/// only the beginning of a line that can still become one is held back.
struct ProgressFilter: Sendable, Equatable {
    struct Progress: Sendable, Equatable {
        let done: Int
        let total: Int
        let message: String?
    }

    private var held: [UInt8] = []
    /// The rest of this line passes: it is known to be none of ours.
    private var passes = false
    private static let limit = 4096

    init() {}

    /// - Returns: what passes on, and the progress found, in order.
    mutating func feed(_ bytes: some Sequence<UInt8>) -> (output: [UInt8], progress: [Progress]) {
        var output: [UInt8] = []
        var progress: [Progress] = []
        for byte in bytes {
            let isEnd = byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
            if passes {
                output.append(byte)
                if isEnd { passes = false }
                continue
            }
            guard isEnd else {
                held.append(byte)
                if held.count > Self.limit || !Self.mayBecomeProgress(held) {
                    output += held
                    held = []
                    passes = true
                }
                continue
            }
            if let found = Self.parse(held) {
                progress.append(found)
            } else {
                output += held
                output.append(byte)
            }
            held = []
        }
        return (output, progress)
    }

    /// The end of the output: what was held is a line after all.
    mutating func finish() -> (output: [UInt8], progress: [Progress]) {
        defer { held = [] }
        if let found = Self.parse(held) { return ([], [found]) }
        return (held, [])
    }

    // MARK: A line

    private static let mark = Array("headway:".utf8)

    private static func isDigit(_ byte: UInt8) -> Bool { 48...57 ~= byte }
    private static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 }

    private static func mayBecomeProgress(_ bytes: [UInt8]) -> Bool {
        if bytes.count <= mark.count, mark.starts(with: bytes) { return true }
        let isMarked = bytes.starts(with: mark)
        var rest = (isMarked ? bytes.dropFirst(mark.count) : bytes[...]).drop(while: isBlank)
        let done = rest.prefix(while: isDigit)
        rest = rest.dropFirst(done.count)
        guard let slash = rest.first else { return done.count < 16 }
        guard !done.isEmpty, slash == UInt8(ascii: "/") else { return false }
        rest = rest.dropFirst()
        let total = rest.prefix(while: isDigit)
        rest = rest.dropFirst(total.count)
        guard let next = rest.first else { return total.count < 16 }
        guard !total.isEmpty, isBlank(next) else { return false }
        return isMarked || rest.allSatisfy(isBlank)
    }

    static func parse(_ bytes: [UInt8]) -> Progress? {
        guard !bytes.isEmpty, bytes.count > mark.count || !mark.starts(with: bytes), mayBecomeProgress(bytes)
        else {
            return nil
        }
        let text = String(
            decoding: bytes.starts(with: mark) ? bytes.dropFirst(mark.count) : bytes[...], as: UTF8.self)
        let words = text.split(maxSplits: 1, whereSeparator: { $0 == " " || $0 == "\t" })
        let parts = (words.first ?? "").split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let done = Int(parts[0]), let total = Int(parts[1]), total > 0 else {
            return nil
        }
        let message = words.dropFirst().first.map { String($0).trimmed } ?? ""
        return Progress(done: done, total: total, message: message.isEmpty ? nil : message)
    }
}

extension String {
    fileprivate var trimmed: String {
        let start = drop(while: \.isWhitespace)
        return String(start.reversed().drop(while: \.isWhitespace).reversed())
    }
}
