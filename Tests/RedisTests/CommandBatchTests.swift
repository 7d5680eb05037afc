import Redis
import Testing

@Suite("CommandBatch")
struct CommandBatchTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let fill: @Sendable (inout CommandBatch) -> Void
        let bytes: String
    }

    static let goldenBytes: [Case] = [
        Case(testDescription: "a command alone", fill: { $0.add("PING") }, bytes: "*1\r\n$4\r\nPING\r\n"),
        Case(
            testDescription: "text arguments, counted in bytes and not in characters",
            fill: { $0.add("SET", "ключ", "é") }, bytes: "*3\r\n$3\r\nSET\r\n$8\r\nключ\r\n$2\r\né\r\n"),
        Case(
            testDescription: "an empty argument", fill: { $0.add("SET", "k", "") },
            bytes: "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n"),
        Case(
            testDescription: "more arguments than one digit counts",
            fill: { $0.add("DEL", (0..<10).map(String.init)) },
            bytes: "*11\r\n$3\r\nDEL\r\n" + (0..<10).map { "$1\r\n\($0)\r\n" }.joined()),
        Case(
            testDescription: "numbers, down to the smallest",
            fill: {
                $0.begin("X", argumentCount: 5)
                $0.append(0)
                $0.append(-7)
                $0.append(1_234_567_890)
                $0.append(Int.min)
                $0.append(Int64.max)
            },
            bytes:
                "*6\r\n$1\r\nX\r\n$1\r\n0\r\n$2\r\n-7\r\n$10\r\n1234567890\r\n$20\r\n-9223372036854775808\r\n"
                + "$19\r\n9223372036854775807\r\n"),
        Case(
            testDescription: "raw bytes, line ends among them",
            fill: {
                $0.begin("X", argumentCount: 3)
                $0.append([0x0d, 0x0a] as [UInt8])
                $0.append([1, 2, 3][1...].map { UInt8($0) }[...])
                $0.append("ab".utf8)
            }, bytes: "*4\r\n$1\r\nX\r\n$2\r\n\r\n\r\n$2\r\n\u{2}\u{3}\r\n$2\r\nab\r\n"),
        Case(
            testDescription: "one command after another",
            fill: {
                $0.add("MULTI")
                $0.append(CommandBatch("EXEC"))
            }, bytes: "*1\r\n$5\r\nMULTI\r\n*1\r\n$4\r\nEXEC\r\n"),
    ]

    @Test("encodes to exactly these bytes", arguments: goldenBytes)
    func encodes(_ c: Case) {
        var batch = CommandBatch()
        c.fill(&batch)
        #expect(String(decoding: batch.bytes, as: UTF8.self) == c.bytes)
        #expect(batch.isComplete)
    }

    @Test(
        "every number is written as Swift writes it", arguments: [1, 9, 10, 99, 100, 65_535, -1, -10, .max])
    func numbers(_ number: Int) {
        var batch = CommandBatch()
        batch.begin("X", argumentCount: 1)
        batch.append(number)
        let text = "\(number)"
        #expect(
            String(decoding: batch.bytes, as: UTF8.self)
                == "*2\r\n$1\r\nX\r\n$\(text.utf8.count)\r\n\(text)\r\n")
    }

    @Test("names its commands without their arguments")
    func names() {
        let batch = CommandBatch("MULTI", "HSET k secret 1", "EXEC")
        #expect(batch.names == ["MULTI", "HSET", "EXEC"])
        #expect(batch.name(at: 1) == "HSET")
        #expect(batch.name(at: 3) == "?")
        #expect(batch.summary == "MULTI… (3 commands)")
    }

    @Test("is empty again after removeAll, whatever was in it")
    func removeAll() {
        var batch = CommandBatch()
        batch.begin("HSET", argumentCount: 3)
        batch.removeAll()
        #expect(batch == CommandBatch())
        batch.add("PING")
        #expect(batch == CommandBatch("PING"))
    }
}
