import Seeded
import Testing

@testable import Redis

@Suite("RESPReader")
struct RESPReaderTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bytes: String
        let shown: String
    }

    static let kinds: [Case] = [
        Case(
            testDescription: "a status", bytes: "+Background saving started\r\n",
            shown: "+Background saving started"),
        Case(
            testDescription: "the common statuses", bytes: "*3\r\n+OK\r\n+QUEUED\r\n+PONG\r\n",
            shown: "[+OK, +QUEUED, +PONG]"),
        Case(testDescription: "an empty status", bytes: "+\r\n", shown: "+"),
        Case(testDescription: "an error", bytes: "-ERR no\r\n", shown: "-ERR no"),
        Case(
            testDescription: "the largest number", bytes: ":9223372036854775807\r\n",
            shown: "9223372036854775807"),
        Case(
            testDescription: "the smallest number", bytes: ":-9223372036854775808\r\n",
            shown: "-9223372036854775808"),
        Case(testDescription: "a bulk with line ends in it", bytes: "$4\r\na\r\nb\r\n", shown: "\"a\r\nb\""),
        Case(testDescription: "an empty bulk", bytes: "$0\r\n\r\n", shown: "\"\""),
        Case(testDescription: "the null bulk", bytes: "$-1\r\n", shown: "nil"),
        Case(testDescription: "the null array", bytes: "*-1\r\n", shown: "nil"),
        Case(testDescription: "an empty array", bytes: "*0\r\n", shown: "[]"),
        Case(
            testDescription: "empty arrays and nulls inside an array",
            bytes: "*4\r\n*0\r\n*-1\r\n$-1\r\n*0\r\n",
            shown: "[[], nil, nil, []]"),
        Case(
            testDescription: "what XREAD gives",
            bytes:
                "*1\r\n*2\r\n$1\r\ns\r\n*2\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n*2\r\n$3\r\n2-0\r\n*0\r\n",
            shown: "[[\"s\", [[\"1-0\", [\"a\", \"b\"]], [\"2-0\", []]]]]"),
        Case(
            testDescription: "arrays seven deep", bytes: String(repeating: "*1\r\n", count: 7) + ":1\r\n",
            shown: "[[[[[[[1]]]]]]]"),
        Case(
            testDescription: "an error among results", bytes: "*2\r\n:1\r\n-WRONGTYPE no\r\n",
            shown: "[1, -WRONGTYPE no]"),
    ]

    @Test("reads, however the bytes are cut", arguments: kinds)
    func reads(_ c: Case) throws {
        let bytes = Array(c.bytes.utf8)
        for cut in 0...bytes.count {
            let reader = RESPReader(limits: RESPLimits())
            try reader.feed(copying: bytes[..<cut])
            let whole = try reader.next()
            #expect(whole == (cut == bytes.count))
            if !whole {
                try reader.feed(copying: bytes[cut...])
                #expect(try reader.next())
            }
            #expect(reader.takeOne().debugDescription == c.shown)
            #expect(try !reader.next())
        }
    }

    @Test("replies of one call come apart again as they were")
    func batch() throws {
        let reader = RESPReader(limits: RESPLimits())
        try reader.feed(copying: Self.kinds.flatMap { Array($0.bytes.utf8) })
        for _ in Self.kinds { #expect(try reader.next()) }
        let values = reader.take(Self.kinds.count)
        #expect(values.map(\.debugDescription) == Self.kinds.map(\.shown))

        try reader.feed(copying: Array(":1\r\n".utf8))
        #expect(try reader.next())
        #expect(reader.takeOne().integer == 1)
    }

    static let refused: [(sentence: String, bytes: String, code: RedisError.Code)] = [
        ("no RESP at all", "HTTP/1.1 400 Bad Request\r\n", .protocolViolation),
        ("a map, which only RESP3 has", "%1\r\n+a\r\n:1\r\n", .protocolViolation),
        ("a push, which only RESP3 has", ">1\r\n+a\r\n", .protocolViolation),
        ("arrays eight deep", String(repeating: "*1\r\n", count: 8) + ":1\r\n", .protocolViolation),
        ("arrays without end", String(repeating: "*1\r\n", count: 10_000), .protocolViolation),
        ("an array of more than any memory holds", "*2147483647\r\n", .tooLarge),
        ("an array beyond 32 bits", "*4294967296\r\n", .protocolViolation),
        ("an array with less than nothing", "*-2\r\n", .protocolViolation),
        ("a bulk of more than the limit", "$268435457\r\n", .tooLarge),
        ("a bulk of more than any memory holds", "$9999999999\r\n", .tooLarge),
        ("a bulk near the end of 64 bits", "$9223372036854775807\r\n", .tooLarge),
        ("a bulk beyond 64 bits", "$9223372036854775808\r\n", .protocolViolation),
        ("a bulk with less than nothing", "$-2\r\n", .protocolViolation),
        ("a length of letters", "$abc\r\n", .protocolViolation),
        ("a length without digits", "$\r\n", .protocolViolation),
        ("a length without an end", "$" + String(repeating: "1", count: 40), .protocolViolation),
        ("a number beyond 64 bits", ":9223372036854775808\r\n", .protocolViolation),
        ("a number of letters", ":12a\r\n", .protocolViolation),
        ("a number without digits", ":\r\n", .protocolViolation),
        ("a line without an end", "+" + String(repeating: "a", count: 2 << 20), .protocolViolation),
        ("a bulk that does not end where it says", "$3\r\nabcde:1\r\n", .protocolViolation),
    ]

    @Test("refuses what no honest server says", arguments: refused)
    func refuses(_ c: (sentence: String, bytes: String, code: RedisError.Code)) throws {
        let bytes = Array(c.bytes.utf8)
        for pieces in [bytes.count, 4_096, 1] where bytes.count / pieces < 100_000 {
            let reader = RESPReader(limits: RESPLimits())
            let error = #expect(throws: RedisError.self, "\(c.sentence), \(pieces) bytes at a time") {
                for start in stride(from: 0, to: bytes.count, by: pieces) {
                    try reader.feed(copying: bytes[start..<min(start + pieces, bytes.count)])
                    while try reader.next() {}
                }
            }
            #expect(error?.code == c.code)
            #expect(throws: RedisError.self) { try reader.feed(copying: [0x2b]) }
        }
    }

    @Test("elements and bytes beyond a limit are refused at the first that is too many")
    func limits() throws {
        let few = RESPLimits(bytes: 8, elements: 4, line: 64)
        for (text, isAllowed) in [
            ("*3\r\n:1\r\n:2\r\n:3\r\n", true), ("*4\r\n", false), ("*2\r\n*1\r\n:1\r\n:2\r\n", true),
            ("*2\r\n*2\r\n:1\r\n:2\r\n:3\r\n", false), ("*2\r\n$4\r\nabcd\r\n$4\r\nabcd\r\n", true),
            ("*2\r\n$4\r\nabcd\r\n$5\r\n", false), ("+123456789\r\n", false),
        ] {
            let reader = RESPReader(limits: few)
            let outcome = Result {
                try reader.feed(copying: Array(text.utf8))
                return try reader.next()
            }
            switch outcome {
            case .success(let whole): #expect(isAllowed && whole, "\(text)")
            case .failure(let error):
                #expect(!isAllowed && (error as? RedisError)?.code == .tooLarge, "\(text)")
            }
        }
    }

    @Test("no bytes make it trap", arguments: 0..<20)
    func garbage(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let alphabet = Array("+-:$*\r\n0123456789-a".utf8)
        let honest = Self.kinds.map { Array($0.bytes.utf8) }
        for turn in 0..<1_000 {
            // By turns letters that mean something, and replies that were tampered with.
            var bytes: [UInt8] = []
            if turn.isMultiple(of: 2) {
                bytes = (0..<40).map { _ in alphabet.randomElement(using: &random) ?? 0 }
            } else {
                bytes = (0..<5).flatMap { _ in honest.randomElement(using: &random) ?? [] }
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    let place = Int.random(in: 0..<bytes.count, using: &random)
                    bytes[place] = alphabet.randomElement(using: &random) ?? 0
                }
            }
            let reader = RESPReader(limits: RESPLimits(bytes: 1 << 16, elements: 1 << 10, line: 1 << 10))
            var count = 0
            do throws(RedisError) {
                var rest = bytes[...]
                while !rest.isEmpty {
                    let piece = rest.prefix(Int.random(in: 1...12, using: &random))
                    rest = rest.dropFirst(piece.count)
                    try reader.feed(copying: piece)
                    while try reader.next() { count += "\(reader.takeOne())".utf8.count }
                }
                _ = reader.firstError
            } catch {
                #expect([.protocolViolation, .tooLarge].contains(error.code))
            }
        }
    }
}

extension RESPReader {
    func feed(copying bytes: some Collection<UInt8>) throws(RedisError) {
        let copy = Array(bytes)
        let result = unsafe copy.withUnsafeBytes { raw in
            Result { () throws(RedisError) in unsafe try feed(raw) }
        }
        try result.get()
    }
}
