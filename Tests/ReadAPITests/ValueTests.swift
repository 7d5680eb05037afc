import Seeded
import HTTPServer
import HeadwayCore
import HeadwayWire
import Testing

@testable import ReadAPI

@Suite("VersionToken")
struct VersionTokenTests {
    static let alike = ["e1-17", "\"e1-17\"", "W/\"e1-17\"", " W/\"e1-17\" "]

    @Test("a token is known bare, quoted and as a weak tag", arguments: alike)
    func spellings(_ text: String) {
        #expect(VersionToken(epoch: "e1", version: 17).isNamed(by: text))
    }

    @Test(
        "everything else is a change", arguments: ["", "e1-18", "e1-16", "e2-17", "e1-17-stale", "\"", "W/"])
    func changes(_ text: String) {
        #expect(!VersionToken(epoch: "e1", version: 17).isNamed(by: text))
    }

    @Test("becoming stale is a change")
    func stale() {
        let token = VersionToken(epoch: "e1", version: 17, isStale: true)
        #expect(!token.isNamed(by: "e1-17"))
        #expect(token.isNamed(by: token.description))
    }

    @Test("If-None-Match may be a list, or a star")
    func lists() {
        #expect(VersionToken.isNamed("e1-17", byTags: #"W/"e1-3", W/"e1-17""#))
        #expect(VersionToken.isNamed("e1-17", byTags: "*"))
        #expect(!VersionToken.isNamed("e1-17", byTags: #"W/"e1-3", "x""#))
    }
}

@Suite("PartitionPulse")
struct PartitionPulseTests {
    static func control(beat: Int64, nonce: String = "n", owner: String? = "a") -> Control {
        var control = Control()
        control.owner = owner
        control.nonce = nonce
        control.beat = beat
        control.epoch = "e"
        return control
    }

    @Test("what was never owned is unowned; what is seen once is quiet, not yet trusted")
    func first() {
        var pulse = PartitionPulse()
        #expect(pulse.observe(nil, at: .seconds(1)) == .unowned)
        #expect(pulse.observe(Self.control(beat: 4), at: .seconds(1)) == .quiet)
    }

    @Test("a beat that moved within a lease is alive, one that stood for longer is not")
    func lease() {
        var pulse = PartitionPulse()
        _ = pulse.observe(Self.control(beat: 4), at: .zero)
        #expect(pulse.observe(Self.control(beat: 5), at: .seconds(1)) == .beating)
        #expect(pulse.observe(Self.control(beat: 5), at: .seconds(6)) == .beating)
        #expect(pulse.observe(Self.control(beat: 5), at: .milliseconds(6001)) == .still)
        #expect(pulse.observe(Self.control(beat: 6), at: .seconds(9)) == .beating)
    }

    @Test("a new owner's nonce counts as a beat")
    func takeOver() {
        var pulse = PartitionPulse()
        _ = pulse.observe(Self.control(beat: 4), at: .zero)
        #expect(pulse.observe(Self.control(beat: 4, nonce: "m"), at: .seconds(20)) == .beating)
    }

    @Test("what was released before we ever looked has no living owner")
    func released() {
        var pulse = PartitionPulse()
        #expect(pulse.observe(Self.control(beat: 4, owner: nil), at: .zero) == .still)
        // A handover in our sight is not an outage.
        var watched = PartitionPulse()
        _ = watched.observe(Self.control(beat: 4), at: .zero)
        _ = watched.observe(Self.control(beat: 5), at: .seconds(1))
        #expect(watched.observe(Self.control(beat: 6, owner: nil), at: .seconds(2)) == .beating)
    }

    @Test("the lag is 0 only when everything is applied and the owner is seen alive")
    func lag() {
        var control = Self.control(beat: 5)
        control.checkpoint = StreamID(ms: 10, seq: 1)
        control.watermark = Timestamp(milliseconds: 1000)
        control.skew = .milliseconds(100)
        let now = Timestamp(milliseconds: 1350)
        func lag(_ reading: PartitionPulse.Reading, _ end: StreamID?) -> Int? {
            PartitionPulse.freshness(of: control, reading, streamEnd: end, redisTime: now).lagMilliseconds
        }
        #expect(lag(.beating, StreamID(ms: 10, seq: 1)) == 0)
        #expect(lag(.beating, nil) == 0)
        #expect(lag(.beating, StreamID(ms: 11)) == 250)
        #expect(lag(.quiet, nil) == 250)
        #expect(lag(.still, nil) == 250)
    }
}

@Suite("Small values")
struct SmallValueTests {
    @Test("random names are identifiers, and never the same twice")
    func names() {
        let names = (0..<1000).map { _ in RandomText.make(24) }
        #expect(Set(names).count == 1000)
        #expect(names.allSatisfy { $0.utf8.count == 24 && JobID($0) != nil })
    }

    @Test("the joined epoch changes with any of its parts and with their order")
    func epochs() {
        #expect(BulkEpoch.joined(["e1"]) == "e1")
        let all = [["a", "b"], ["b", "a"], ["a", "c"], ["", "ab"], ["ab", ""], ["a", "b", ""]].map(
            BulkEpoch.joined)
        #expect(Set(all).count == all.count)
        #expect(all.allSatisfy { $0.utf8.count == 16 })
    }

    @Test("a bulk's blockers are sentences, and a settled bulk has none")
    func blockers() {
        var share = Sample.share(
            "x", BulkCounts(queued: 30, running: 8), total: 40, isSealed: true, isHome: true)
        share.health = [.ok: 6, .stalled: 1, .suspect: 1]
        let texts = BulkBlocker.all(of: BulkSummary(id: share.id, shares: [share])).map(\.text)
        #expect(
            texts == [
                "2 of 40 not yet registered", "1 of 8 running is stalled",
                "1 of 8 running without a sign of life",
                "8 running", "30 queued",
            ])
        let running = [
            BulkBlocker.Member(
                id: JobID(unchecked: "page-7"), health: .stalled, reason: "No progress for 4m12s.",
                elapsed: .seconds(720)),
            BulkBlocker.Member(
                id: JobID(unchecked: "page-8"), health: .ok, reason: nil, elapsed: .seconds(5)),
        ]
        let named = BulkBlocker.all(of: BulkSummary(id: share.id, shares: [share]), running: running)
        #expect(
            named.map(\.text) == [
                "2 of 40 not yet registered", "page-7 is stalled: No progress for 4m12s.",
                "1 of 8 running without a sign of life", "8 running; the longest: page-7, for 12m",
                "30 queued",
            ])
        let waiting = BulkBlocker.Waiting(id: JobID(unchecked: "page-2"), since: Sample.start)
        let oldest = BulkBlocker.all(
            of: BulkSummary(id: share.id, shares: [share]), running: running, waiting: waiting,
            at: Sample.start + .seconds(192)
        ).last
        #expect(oldest?.text == "30 queued; waiting longest: page-2, for 3m12s")
        #expect(oldest?.job == waiting.id && oldest?.since == Sample.start)
        let forgotten = Sample.share("x", BulkCounts(completed: 2), isHome: true)
        #expect(
            BulkBlocker.all(
                of: BulkSummary(id: forgotten.id, shares: [forgotten]), unchangedFor: .seconds(7200)
            ).map(\.text) == [
                "nobody sealed it, so it may still grow; last change 2h ago; seal it to settle it"
            ])
        let settled = Sample.share("x", BulkCounts(completed: 2), total: 2, isSealed: true, isHome: true)
        #expect(BulkBlocker.all(of: BulkSummary(id: settled.id, shares: [settled])).isEmpty)
    }

    @Test("cursors come back as they went, and nothing else is one")
    func cursors() throws {
        let member = MemberCursor(
            partition: 3, score: 20_000_000_000_017, id: JobID(unchecked: "a.b:c@d-e_f"), given: 2)
        #expect(MemberCursor("\(member)", partitions: 4) == member)
        #expect(MemberCursor("\(member)", partitions: 3) == nil)
        let bulk = BulkCursor(createdAt: 17, id: BulkID(unchecked: "x.y"), given: 1)
        #expect(BulkCursor("\(bulk)") == bulk)
        for text in ["", "...", "1.2.3", "1.2.0.a", "-1.2.1.a", "1.-2.1.a", "1.2.1.", "1.2.1.a/b", "9.9"] {
            #expect(MemberCursor(text, partitions: 4) == nil, "\(text)")
        }
    }
}

@Suite("Router")
struct RouterTests {
    private func found(_ method: String, _ path: String) -> String {
        let segments = path.split(separator: "/").map(String.init)
        switch ReadAPI.router.match(.init(rawValue: method) ?? .get, segments) {
        case .route(let route, _, let captures): return "\(route.pattern) \(captures)"
        case .otherMethod(let allowed): return "\(allowed)"
        case .nothing: return "nothing"
        }
    }

    @Test("literals, captures, methods and nothing")
    func table() {
        #expect(found("GET", "/v1/jobs/query") == #"/v1/jobs/{id} ["query"]"#)
        #expect(found("POST", "/v1/jobs/query") == "/v1/jobs/query []")
        #expect(found("GET", "/v1/bulks/x/jobs") == #"/v1/bulks/{id}/jobs ["x"]"#)
        #expect(found("HEAD", "/v1/jobs/a") == #"/v1/jobs/{id} ["a"]"#)
        #expect(found("GET", "/") == "/ []")
        #expect(found("DELETE", "/v1/jobs/a") == #"["GET", "HEAD", "OPTIONS"]"#)
        #expect(found("PATCH", "/v1/jobs") == #"["GET", "HEAD", "POST", "OPTIONS"]"#)
        #expect(found("GET", "/v1/nothing") == "nothing")
        #expect(found("GET", "/v1/jobs/a/b/c/d/e") == "nothing")
    }

    @Test("no two lines of the table say the same")
    func unique() {
        let lines = ReadAPI.router.routes.map { "\($0.method.rawValue) \($0.pattern)" }
        #expect(Set(lines).count == lines.count)
    }
}

@Suite("Stream values")
struct StreamValueTests {
    typealias Subject = ProgressEvent.Subject
    static let a = Subject.job(JobID(unchecked: "a"))
    static let b = Subject.bulk(BulkID(unchecked: "b"))

    private func token(_ version: Int64, _ epoch: String = "e") -> VersionToken {
        VersionToken(epoch: epoch, version: version)
    }

    @Test("a client is shown no state twice and none behind the one it has, but another epoch always")
    func monotone() {
        var ledger = StreamLedger([Self.a])
        #expect(ledger.show(Self.a, token(3), outcome: nil) == true)
        #expect(ledger.show(Self.a, token(3), outcome: nil) == false)
        #expect(ledger.show(Self.a, token(2), outcome: nil) == false)
        #expect(ledger.show(Self.a, token(4), outcome: nil) == true)
        #expect(ledger.show(Self.a, token(1, "f"), outcome: nil) == true)
    }

    @Test("the stream is complete when every subject ended, and not any more when one comes back")
    func complete() {
        var ledger = StreamLedger([Self.a, Self.b])
        _ = ledger.show(Self.a, token(3), outcome: "completed")
        #expect(!ledger.isComplete)
        _ = ledger.show(Self.b, token(9), outcome: "settled")
        #expect(ledger.isComplete)
        #expect(
            String(decoding: ledger.outcomes, as: UTF8.self)
                == #"{"jobs":{"a":"completed"},"bulks":{"b":"settled"}}"#)
        _ = ledger.show(Self.a, token(4), outcome: nil)
        #expect(!ledger.isComplete)
    }

    @Test("a stream whose subjects come and go is never complete, and forgets those that went")
    func openEnded() {
        var ledger = StreamLedger([Self.a], isOpenEnded: true)
        var change = ledger.follow([Self.b])
        #expect(change.added == [Self.b] && change.removed.isEmpty)
        #expect(ledger.subjects == [Self.a, Self.b])
        _ = ledger.show(Self.a, token(3), outcome: "completed")
        #expect(ledger.show(Self.b, token(9), outcome: "settled") == true)
        #expect(!ledger.isComplete)
        let seen = ledger.id
        // One that was asked for by name stays, also when it is among those that go.
        change = ledger.follow([])
        #expect(change.added.isEmpty && change.removed == [Self.b])
        #expect(ledger.show(Self.b, token(10), outcome: "settled") == false, "it is not followed any more")
        _ = ledger.follow([Self.b])
        #expect(ledger.show(Self.b, token(9), outcome: "settled") == true, "it is new again")
        #expect(ledger.id == seen)
    }

    @Test("the id names what was seen, in whatever order it was seen")
    func digest() {
        var one = StreamLedger([Self.a, Self.b])
        _ = one.show(Self.a, token(1), outcome: nil)
        _ = one.show(Self.b, token(9), outcome: "settled")
        _ = one.show(Self.a, token(3), outcome: "completed")
        var other = StreamLedger([Self.b, Self.a])
        _ = other.show(Self.a, token(3), outcome: "completed")
        #expect(one.id != other.id)
        _ = other.show(Self.b, token(9), outcome: "settled")
        #expect(one.id == other.id)
        var single = StreamLedger([Self.a])
        _ = single.show(Self.a, token(3), outcome: "completed")
        #expect(single.id == "e-3")
    }

    @Test("a slow reader is told of each subject once, however often it changed")
    func conflation() {
        var conflation = Conflation<Int>()
        for _ in 0..<100 { for subject in 0..<3 { conflation.mark(subject) } }
        #expect(conflation.count == 3)
        #expect(conflation.skipped == 297)
        var told = [conflation.next()]
        conflation.mark(0)
        for _ in 0..<4 { told.append(conflation.next()) }
        #expect(told == [0, 1, 2, 0, nil])
    }

    @Test("conflation keeps order and forgets nothing over a long random history")
    func conflationLaw() {
        var random = SplitMix64(seed: 7)
        var conflation = Conflation<Int>()
        var waiting: [Int] = []
        for _ in 0..<20_000 {
            if Bool.random(using: &random) {
                let subject = Int.random(in: 0..<50, using: &random)
                conflation.mark(subject)
                if !waiting.contains(subject) { waiting.append(subject) }
            } else {
                let told = conflation.next()
                #expect(told == waiting.first)
                if !waiting.isEmpty { waiting.removeFirst() }
            }
            #expect(conflation.count == waiting.count)
        }
    }

    @Test("lists of subjects are found by their id, and go when nobody uses them or there are too many")
    func lists() {
        var lists = StreamLists()
        lists.add([Self.a], as: "one", at: .zero)
        lists.add([Self.b], as: "two", at: .seconds(300))
        #expect(lists.use("one", at: .seconds(599))?.subjects == [Self.a])
        #expect(lists.use("two", at: .seconds(901)) == nil)
        #expect(lists.use("one", at: .seconds(1000))?.subjects == [Self.a])
        #expect(lists.use("none", at: .seconds(1000)) == nil)
        let many = (0..<1000).map { Subject.job(JobID(unchecked: "j\($0)")) }
        for number in 0..<150 { lists.add(many, as: "l\(number)", at: .seconds(1001 + number)) }
        #expect(lists.count == StreamLists.subjectLimit / 1000)
        #expect(lists.use("l149", at: .seconds(1200)) != nil)
        #expect(lists.use("l0", at: .seconds(1200)) == nil)
    }
}
