import EventLoop
import Redis
import TestSupport
import Testing

@Suite("RedisConnection", .timeLimit(.minutes(1)))
struct RedisConnectionTests {
    /// For megabytes, which in a debug build would make the tests beside them late.
    static let heavy = EventLoop(name: "heavy")

    @Test("every kind of reply comes back as it is")
    func kinds() async throws {
        try await withServer { _, redis in
            #expect(try await redis.send("PING").debugDescription == "+PONG")
            #expect(try await redis.send("INCRBY", "n", "-7").integer == -7)
            #expect(try await redis.send("SET", "k", "é\r\n").string == "OK")
            #expect(try await redis.send("GET", "k").bytes.map(Array.init) == Array("é\r\n".utf8))
            #expect(try await redis.send("GET", "n").number == -7)
            #expect(try await redis.send("GET", "absent").isNull)
            #expect(try await redis.send("LRANGE", "absent", "0", "-1").elements?.isEmpty == true)
            let nested = try await redis.send(
                "EVAL", "return {1, {'a', {}}, false, {ok='fine'}, {err='ERR bad'}}", "0")
            #expect(nested.debugDescription == "[1, [\"a\", []], nil, +fine, -ERR bad]")
            let elements = try #require(nested.elements)
            #expect(elements.count == 5)
            #expect(elements[1].elements?[0].string == "a")
            #expect(elements[4].error == "ERR bad")
            #expect(elements.first == (try await redis.send("EVAL", "return 1", "0")))
        }
    }

    @Test("text that is not UTF-8 is repaired as text and kept as bytes")
    func repair() async throws {
        try await withServer { _, redis in
            var batch = CommandBatch()
            batch.begin("SET", argumentCount: 2)
            batch.append("k")
            batch.append([0x61, 0xff, 0x62] as [UInt8])
            batch.add("GET", "k")
            let reply = try await redis.send(batch)[1]
            #expect(reply.string == "a\u{fffd}b")
            #expect(reply.bytes.map(Array.init) == [0x61, 0xff, 0x62])
        }
    }

    @Test("replies of any size arrive whole", arguments: [0, 1, 4_095, 4_096, 4_097, 1 << 20, 20 << 20])
    func sizes(_ size: Int) async throws {
        try await withServer(on: Self.heavy) { _, redis in
            let sent = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                for index in 0..<size { unsafe buffer[index] = UInt8(truncatingIfNeeded: index &* 31) }
                count = size
            }
            var batch = CommandBatch()
            batch.begin("SET", argumentCount: 2)
            batch.append("k")
            batch.append(sent)
            batch.add("GET", "k")
            batch.add("STRLEN", "k")
            let replies = try await redis.send(batch)
            #expect(batch.firstError(in: replies) == nil)
            #expect(replies[1].bytes.map { $0.elementsEqual(sent) } == true)
            #expect(replies[2].integer == size)
        }
    }

    @Test("a hundred thousand elements are counted and walked")
    func elements() async throws {
        try await withServer { _, redis in
            let reply = try await redis.send(
                "EVAL", "local t = {} for i = 1, 100000 do t[i] = {i, tostring(i)} end return t", "0")
            let elements = try #require(reply.elements)
            #expect(elements.count == 100_000)
            var expected = 0
            for element in elements {
                expected += 1
                guard element.elements?[0].integer == expected, element.elements?[1].number == expected else {
                    Issue.record("element \(expected) is \(element.debugDescription)")
                    break
                }
            }
            #expect(expected == 100_000)
        }
    }

    @Test("calls of many tasks share the connection, and each gets its own reply")
    func pipelining() async throws {
        try await withServer { _, redis in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<100 {
                    group.addTask {
                        for turn in 0..<50 {
                            let word = "\(task)-\(turn)"
                            if turn.isMultiple(of: 3) {
                                var batch = CommandBatch(
                                    "SET \(word) \(word)", "GET \(word)", "NOSUCH", "DEL \(word)")
                                batch.add("ECHO", word)
                                let replies = try await redis.send(batch)
                                #expect(replies.count == 5)
                                #expect(replies[1].string == word)
                                #expect(replies[2].error?.hasPrefix("ERR unknown command") == true)
                                #expect(replies[4].string == word)
                            } else {
                                #expect(try await redis.send("ECHO", word).string == word)
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("an error reply is thrown by a single call, which can go on, and is in its place in a batch")
    func errors() async throws {
        try await withServer { _, redis in
            _ = try await redis.send("SET", "k", "text")
            let error = await #expect(throws: RedisError.self) {
                try await redis.send("LPUSH", "k", "secret")
            }
            #expect(error?.code == .commandRejected)
            #expect(error?.command == "LPUSH")
            #expect(error?.outcome == .fatal)
            let batch = CommandBatch("GET k", "INCR k", "LLEN k")
            let replies = try await redis.send(batch)
            #expect(replies[0].string == "text")
            let first = batch.firstError(in: replies)
            #expect(first?.command == "INCR")
            #expect(redis.isOpen)
        }
    }

    @Test("EXEC gives nil when somebody else has written what is watched")
    func watch() async throws {
        try await withServer { server, redis in
            let other = try await RedisConnection.connect(to: server.endpoint, on: loop)
            _ = try await redis.send(CommandBatch("WATCH k", "GET k"))
            _ = try await other.send("SET", "k", "theirs")
            let lost = try await redis.send(CommandBatch("MULTI", "SET k ours", "EXEC"))
            #expect(lost.map(\.debugDescription) == ["+OK", "+QUEUED", "nil"])

            _ = try await redis.send("WATCH", "k")
            let won = try await redis.send(CommandBatch("MULTI", "SET k ours", "GET k", "EXEC"))
            #expect(won[3].debugDescription == "[+OK, \"ours\"]")
            await other.close()
        }
    }

    @Test("an error inside EXEC is an element of its array, and is found and named")
    func execErrors() async throws {
        try await withServer { _, redis in
            let batch = CommandBatch("SET k text", "MULTI", "SET a 1", "INCR k", "EXEC")
            let replies = try await redis.send(batch)
            #expect(replies[4].elements?.count == 2)
            #expect(replies[4].elements?[1].error?.hasPrefix("ERR value is not an integer") == true)
            #expect(batch.firstError(in: replies)?.command == "INCR")

            let broken = CommandBatch("MULTI", "INCR", "EXEC")
            let refused = try await redis.send(broken)
            #expect(refused[2].error?.hasPrefix("EXECABORT") == true)
            #expect(broken.firstError(in: refused)?.command == "INCR")
        }
    }

    @Test("a blocking XREAD waits within its deadline, in a batch with others")
    func blocking() async throws {
        try await withServer { server, reader in
            let writer = try await RedisConnection.connect(to: server.endpoint, on: loop)
            async let replies = reader.send(
                CommandBatch("PING", "XREAD COUNT 10 BLOCK 2000 STREAMS s $"), deadline: .seconds(3))
            try await Task.sleep(for: .milliseconds(50))
            _ = try await writer.send("XADD", "s", "7-1", "a", "b")
            #expect(try await replies[1].debugDescription == "[[\"s\", [[\"7-1\", [\"a\", \"b\"]]]]]")
            let silence = try await reader.send(
                "XREAD", "BLOCK", "20", "STREAMS", "s", "$", deadline: .seconds(1))
            #expect(silence.isNull)
            await writer.close()
        }
    }

    @Test("a call that is late ends its connection, and nobody ever gets its reply")
    func timeout() async throws {
        try await withServer { server, redis in
            let started = ContinuousClock.now
            async let late = outcome { try await redis.send("BLPOP", "k", "0", deadline: .seconds(1)) }
            try await waitUntilBlocked(on: server)
            async let behind = outcome { try await redis.send("PING", deadline: .seconds(5)) }
            let errors = await [late, behind].map { result in
                #expect(throws: RedisError.self) { try result.get() }
            }
            #expect(errors.contains { $0?.code == .timedOut && $0?.command == "BLPOP" })
            #expect(errors.contains { $0?.code == .connectionLost && $0?.command == "PING" })
            #expect(errors.allSatisfy { $0?.outcome == .unknown })
            #expect(started.duration(to: .now) >= .milliseconds(995))
            #expect(!redis.isOpen)

            let after = await #expect(throws: RedisError.self) { try await redis.send("PING") }
            #expect(after?.code == .closed)
            #expect(after?.outcome == .refused)

            let next = try await RedisConnection.connect(to: server.endpoint, on: loop)
            #expect(try await next.send("ECHO", "mine").string == "mine")
            await next.close()
        }
    }

    @Test("the earliest deadline counts, whatever was asked before")
    func earliestDeadline() async throws {
        try await withServer { server, redis in
            let started = ContinuousClock.now
            async let patient = outcome { try await redis.send("BLPOP", "k", "0", deadline: .seconds(50)) }
            try await waitUntilBlocked(on: server)
            let hasty = await outcome { try await redis.send("PING", deadline: .milliseconds(100)) }
            #expect(throws: RedisError.self) { try hasty.get() }
            #expect(started.duration(to: .now) < .seconds(20))
            _ = await patient
        }
    }

    @Test("when the server is killed, calls under way fail and may have happened")
    func killed() async throws {
        try await withServer { server, redis in
            let reasons = Box<[RedisError]>([])
            await redis.onClose { error in reasons.change { $0.append(error) } }
            async let waiting = outcome { try await redis.send("BLPOP", "k", "0", deadline: .seconds(20)) }
            try await waitUntilBlocked(on: server)
            await server.kill()
            let result = await waiting
            let error = #expect(throws: RedisError.self) { try result.get() }
            #expect(error?.code == .connectionLost)
            #expect(error?.outcome == .unknown)
            #expect(!redis.isOpen)
            #expect(reasons.value.count == 1)
            await redis.onClose { error in reasons.change { $0.append(error) } }
            #expect(reasons.value.count == 2)
        }
    }

    @Test("close fails what is under way, and may be called twice")
    func close() async throws {
        try await withServer { server, redis in
            async let waiting = outcome { try await redis.send("BLPOP", "k", "0", deadline: .seconds(20)) }
            try await waitUntilBlocked(on: server)
            await redis.close()
            await redis.close()
            let result = await waiting
            #expect(throws: RedisError.self) { try result.get() }
        }
    }

    @Test("a connection that nobody holds any more closes its socket")
    func released() async throws {
        try await withServer { _, redis in
            func clients() async throws -> Int {
                try await redis.send("CLIENT", "LIST").string?.split(separator: "\n").count ?? 0
            }
            do {
                let other = try await RedisConnection.connect(to: redis.endpoint, on: loop)
                #expect(try await clients() == 2)
                _ = try await other.send("PING")
            }
            #expect(try await eventually { try await clients() == 1 })
        }
    }

    @Test("the name is shown by CLIENT LIST, made fit for it")
    func name() async throws {
        try await withServer { server, redis in
            let named = try await RedisConnection.connect(
                to: server.endpoint, on: loop, name: "aggregator 1/ü")
            #expect(try await redis.send("CLIENT", "LIST").string?.contains("name=aggregator-1/--") == true)
            await named.close()
        }
    }
}
