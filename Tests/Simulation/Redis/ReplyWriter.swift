/// Spells replies in RESP2.
struct ReplyWriter {
    var bytes: Bytes = []

    mutating func status(_ text: String) { line("+", text) }
    mutating func error(_ text: String) { line("-", text) }
    mutating func integer(_ number: Int) { line(":", String(number)) }
    mutating func null() { bytes += "$-1\r\n".utf8 }
    mutating func nullArray() { bytes += "*-1\r\n".utf8 }
    mutating func array(_ count: Int) { line("*", String(count)) }
    mutating func bulk(_ text: String) { bulk(Bytes(text)) }

    mutating func bulk(_ value: Bytes) {
        line("$", String(value.count))
        bytes += value
        bytes.append(13)
        bytes.append(10)
    }

    mutating func bulk(_ value: Bytes?) {
        if let value { bulk(value) } else { null() }
    }

    mutating func score(_ score: Double) { bulk(Self.text(of: score)) }

    static func text(of score: Double) -> String {
        Int64(exactly: score).map(String.init)
            ?? (score == .infinity ? "inf" : score == -.infinity ? "-inf" : "\(score)")
    }

    private mutating func line(_ mark: Unicode.Scalar, _ text: String) {
        bytes.append(UInt8(ascii: mark))
        bytes += text.utf8
        bytes.append(13)
        bytes.append(10)
    }
}

/// Cuts a connection's bytes into commands: `*n␍␊$len␍␊…`, which is all that Headway sends.
struct CommandReader {
    private var bytes: Bytes = []
    private var head = 0

    mutating func feed(_ more: ArraySlice<UInt8>) {
        if head == bytes.count {
            bytes.removeAll(keepingCapacity: true)
            head = 0
        }
        bytes += more
    }

    /// - Returns: nil while the next one is not whole.
    mutating func next() -> [Bytes]? {
        var place = head
        guard let count = number(after: UInt8(ascii: "*"), at: &place) else { return nil }
        var command: [Bytes] = []
        command.reserveCapacity(count)
        for _ in 0..<count {
            guard let length = number(after: UInt8(ascii: "$"), at: &place), place + length + 2 <= bytes.count
            else { return nil }
            command.append(Bytes(bytes[place..<place + length]))
            place += length + 2
        }
        head = place
        return command
    }

    private func number(after mark: UInt8, at place: inout Int) -> Int? {
        guard place < bytes.count else { return nil }
        precondition(bytes[place] == mark, "not a command of RESP2")
        var number = 0
        var next = place + 1
        while next < bytes.count, bytes[next] != 13 {
            number = number * 10 + Int(bytes[next] - 48)
            next += 1
        }
        guard next + 1 < bytes.count else { return nil }
        place = next + 2
        return number
    }
}
