import EventLoop
import Redis
import TestSupport
import Testing

@Suite("A hostile peer", .timeLimit(.minutes(1)))
struct HostilePeerTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let script: [ScriptedPeer.Step]
        let code: RedisError.Code
        let outcome: RedisError.Outcome

        init(
            _ sentence: String, _ text: String, hangUp: Bool = false, _ code: RedisError.Code,
            _ outcome: RedisError.Outcome
        ) {
            testDescription = sentence
            script = [.send(Array(text.utf8))] + (hangUp ? [.hangUp] : [])
            self.code = code
            self.outcome = outcome
        }
    }

    static let answers: [Case] = [
        Case("speaks HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n", .protocolViolation, .fatal),
        Case("announces an array of two thousand million", "*2147483647\r\n", .tooLarge, .fatal),
        Case("announces ten thousand million bytes", "$9999999999\r\n", .tooLarge, .fatal),
        Case("announces less than nothing", "$-5\r\n", .protocolViolation, .fatal),
        Case("announces an array of less than nothing", "*-5\r\n", .protocolViolation, .fatal),
        Case(
            "nests arrays without end", String(repeating: "*1\r\n", count: 5_000), .protocolViolation, .fatal),
        Case("sends a number beyond 64 bits", ":99999999999999999999\r\n", .protocolViolation, .fatal),
        Case("speaks RESP3", "%1\r\n+a\r\n+b\r\n", .protocolViolation, .fatal),
        Case(
            "sends a line without end", "+" + String(repeating: "x", count: 2 << 20), .protocolViolation,
            .fatal),
        Case("hangs up without a word", "", hangUp: true, .connectionLost, .unknown),
        Case("hangs up in the middle of a bulk", "$100\r\nabc", hangUp: true, .connectionLost, .unknown),
        Case("hangs up in the middle of an array", "*3\r\n:1\r\n", hangUp: true, .connectionLost, .unknown),
        Case("hangs up in the middle of a length", "$10", hangUp: true, .connectionLost, .unknown),
        Case("says nothing", "", .timedOut, .unknown),
        Case("says half and waits", "$100\r\nabc", .timedOut, .unknown),
        Case("sends binary noise", "\u{1}\u{2}\u{3}\u{7f}", .protocolViolation, .fatal),
    ]

    @Test("gives a typed error, and the connection is dead", arguments: answers)
    func hostile(_ c: Case) async throws {
        let peer = ScriptedPeer(c.script)
        let redis = try await RedisConnection.connect(to: peer.endpoint, on: loop)
        let error = await #expect(throws: RedisError.self) {
            try await redis.send("GET", "k", deadline: .milliseconds(300))
        }
        #expect(error?.code == c.code, "\(error?.description ?? "")")
        #expect(error?.outcome == c.outcome)
        #expect(error?.command == "GET")
        #expect(!redis.isOpen)
    }

    @Test("a reply that nobody asked for ends the connection before it can answer anything")
    func unasked() async throws {
        let peer = ScriptedPeer("$5\r\nmine!\r\n$5\r\nextra\r\n")
        let redis = try await RedisConnection.connect(to: peer.endpoint, on: loop)
        #expect(try await redis.send("GET", "k").string == "mine!")
        #expect(await eventually { !redis.isOpen })
        let error = await #expect(throws: RedisError.self) { try await redis.send("GET", "k") }
        #expect(error?.code == .closed)
    }

    @Test("a reply that comes after its deadline reaches nobody")
    func late() async throws {
        let peer = ScriptedPeer([.pause(.milliseconds(300)), .send(Array("$4\r\nlate\r\n".utf8))])
        let redis = try await RedisConnection.connect(to: peer.endpoint, on: loop)
        let first = await outcome { try await redis.send("GET", "a", deadline: .milliseconds(50)) }
        let second = await outcome { try await redis.send("GET", "b", deadline: .seconds(1)) }
        #expect(throws: RedisError.self) { try first.get() }
        let error = #expect(throws: RedisError.self) { try second.get() }
        #expect(error?.code == .closed)
    }

    @Test("what was answered before the fault is kept, what follows fails")
    func partly() async throws {
        let four = CommandBatch("A", "B", "C", "D").bytes.count
        let peer = ScriptedPeer([.receive(four), .send(Array("+one\r\n+two\r\n!nonsense\r\n".utf8))])
        let redis = try await RedisConnection.connect(to: peer.endpoint, on: loop)
        async let one = outcome { try await redis.send("A") }
        async let two = outcome { try await redis.send("B") }
        async let three = outcome { try await redis.send("C") }
        async let last = outcome { try await redis.send("D") }
        let texts = await [one, two, three, last].map { result -> String in
            switch result {
            case .success(let value): value.string ?? ""
            case .failure(let error): error.code.rawValue
            }
        }
        #expect(texts.sorted() == ["connectionLost", "one", "protocolViolation", "two"])
    }

    @Test("limits bound what one call may bring, all replies of its batch together")
    func limits() async throws {
        for (limits, code) in [
            (RESPLimits(bytes: 5), RedisError.Code.tooLarge), (RESPLimits(elements: 3), .tooLarge),
            (RESPLimits(), nil),
        ] {
            let peer = ScriptedPeer("*2\r\n:1\r\n:2\r\n$6\r\nabcdef\r\n")
            let redis = try await RedisConnection.connect(to: peer.endpoint, on: loop, limits: limits)
            let result = await outcome { try await redis.send(CommandBatch("A", "B")) }
            switch result {
            case .success: #expect(code == nil)
            case .failure(let error): #expect(error.code == code)
            }
            await redis.close()
        }
    }

    @Test("a peer that is not Redis is named as such when connecting")
    func notRedis() async throws {
        for greeting in ["220 mail.example ESMTP\r\n", "$4\r\nPONG\r\n", "+PANG\r\n", ":1\r\n"] {
            let peer = ScriptedPeer(greeting: greeting, [])
            let error = await #expect(throws: RedisError.self) {
                try await RedisConnection.connect(to: peer.endpoint, on: loop)
            }
            #expect(error?.code == .protocolViolation)
            #expect(error?.detail.contains("not Redis") == true)
        }
    }
}
