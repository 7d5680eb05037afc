import HeadwayCore
import HeadwayWire
import Testing

@Suite("Webhooks on the wire")
struct WebhookTests {
    /// RFC 4231, cases 1 to 4, 6 and 7.
    static let vectors: [(key: [UInt8], message: [UInt8], digest: String)] = [
        (
            [UInt8](repeating: 0x0b, count: 20), Array("Hi There".utf8),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            [UInt8](repeating: 0xaa, count: 20), [UInt8](repeating: 0xdd, count: 50),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
        ),
        (
            Array(1...25), [UInt8](repeating: 0xcd, count: 50),
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
        ),
        (
            [UInt8](repeating: 0xaa, count: 131),
            Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
        (
            [UInt8](repeating: 0xaa, count: 131),
            Array(
                ("This is a test using a larger than block-size key and a larger than block-size data. The key needs "
                    + "to be hashed before being used by the HMAC algorithm.").utf8),
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"
        ),
    ]

    @Test("HMAC-SHA-256 agrees with RFC 4231", arguments: vectors.indices)
    func hmac(_ place: Int) {
        let vector = Self.vectors[place]
        let hex = HMAC.sha256(vector.message, key: vector.key).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        #expect(hex.joined() == vector.digest)
    }

    @Test("base64 agrees with RFC 4648, and gives back what went in")
    func base64() {
        for (plain, text) in [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            #expect(Base64.text(Array(plain.utf8)) == text)
            #expect(Base64.bytes(text.utf8) == Array(plain.utf8))
        }
        for seed in 1...200 as ClosedRange<UInt64> {
            var dice = Dice(seed: seed)
            let bytes = dice.bytes(0...60)
            #expect(Base64.bytes(Base64.text(bytes).utf8) == bytes, "seed \(seed)")
        }
        for broken in ["Zg", "Zg=", "Zg==Zg==", "Z===", "====", "Zm9*", "Zm 9"] {
            #expect(Base64.bytes(broken.utf8) == nil, "\(broken)")
        }
    }

    @Test("a signature is the one of the Standard Webhooks' own example")
    func signature() throws {
        let secret = try WebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        let signature = secret.signature(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1_614_265_330,
            body: Array(#"{"test": 2432232314}"#.utf8))
        #expect(signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    }

    @Test(
        "a secret that protects nothing is refused",
        arguments: [
            ("", WebhookSecret.Problem.empty), ("short", .tooShort), ("whsec_", .tooShort),
            ("whsec_AAAA", .tooShort),
            ("whsec_%%%%", .notBase64),
        ])
    func secrets(_ text: String, _ problem: WebhookSecret.Problem) {
        #expect(throws: problem) { try WebhookSecret(text) }
    }

    @Test("an outbox entry comes back as it went; what lacks a field is refused")
    func entries() throws {
        let entry = OutboxEntry(.jobFailed, body: Array(#"{"type":"job.failed"}"#.utf8))
        var buffer = FieldBuffer()
        entry.encode(into: &buffer)
        #expect(try OutboxEntry(fields: buffer) == entry)
        #expect(throws: WireError.self) { try OutboxEntry(fields: FieldBuffer()) }
    }

    @Test("a job's end says what a receiver needs, and nothing of its token or its checkpoint")
    func job() throws {
        let pipeline = Pipeline(
            reference: Pipeline.Reference(name: "article", revision: 3),
            stages: [Pipeline.Stage(id: "writing", label: "Writing", start: .zero, end: .one)], maxAttempts: 3
        )
        let start = Timestamp(milliseconds: 1_772_356_800_000)
        var record = JobRecord.unknown
        let id = JobID(unchecked: "a-1")
        let catalog = PipelineCatalog([pipeline])
        let token = String(repeating: "ab", count: 32)
        let registration = Registration(
            pipeline: PipelineName(name: "article", revision: 3), bulk: BulkID(unchecked: "spring"),
            label: "A \"title\"", token: token, attributes: ["mode": "topic"])
        let words: [(Int64, JobWord)] = [
            (0, .queued(registration)), (1000, .started(worker: "w-7", nil)),
            (2000, .stageProgressed(StageMention("writing"), .count(done: 1, total: 2), substep: nil)),
            (3000, .stageCompleted(StageMention("writing"), checkpoint: "hidden")),
            (75_200, .failed(message: "Overloaded", code: "rate_limited", stage: "writing")),
        ]
        for (after, word) in words {
            let at = start + .milliseconds(after)
            #expect(
                record.apply(id, ProgressEvent(id, word, attempt: 1), at: at, catalog: catalog).verdict
                    == .applied)
        }
        guard case .job(let job) = record else { return #expect(Bool(false)) }
        let entry = try #require(OutboxEntry.ended(job, pipeline, at: start + .milliseconds(75_200)))
        #expect(entry.type == "job.failed")
        #expect(
            String(decoding: entry.body, as: UTF8.self) == """
                {"type":"job.failed","timestamp":"2026-03-01T09:21:15.200Z","data":{"id":"a-1",\
                "label":"A \\"title\\"","pipeline":"article","bulk":"spring","status":"failed","attempt":1,\
                "maxAttempts":3,"stage":"writing","stageLabel":"Writing","percent":99,"durationSeconds":74.200,\
                "message":null,"worker":"w-7","result":null,"error":{"message":"Overloaded","code":"rate_limited",\
                "stage":"writing"},"attributes":{"mode":"topic"},"createdAt":"2026-03-01T09:20:00.000Z",\
                "startedAt":"2026-03-01T09:20:01.000Z","finishedAt":"2026-03-01T09:21:15.200Z","version":5}}
                """)
    }
}
