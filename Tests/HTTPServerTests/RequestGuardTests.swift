import Seeded
import Testing

@testable import HTTPServer

@Suite("RequestGuard")
struct RequestGuardTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let request: String
        let verdict: RequestGuard.Verdict

        init(_ testDescription: String, _ request: String, _ verdict: RequestGuard.Verdict) {
            self.testDescription = testDescription
            self.request = request
            self.verdict = verdict
        }
    }

    static let limits: HTTPLimits = {
        var limits = HTTPLimits()
        limits.headerBytes = 256
        limits.headerCount = 8
        limits.targetBytes = 64
        limits.bodyBytes = 32
        return limits
    }()

    static let long = String(repeating: "a", count: 300)
    static let post = "POST / HTTP/1.1\r\nHost: h\r\n"
    static let chunked = post + "Transfer-Encoding: chunked\r\n\r\n"

    static let sound: [Case] = [
        Case("the least of HTTP/1.1", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", .complete),
        Case("the least of HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", .complete),
        Case("HTTP/1.0 with a Host", "GET / HTTP/1.0\r\nHost: h\r\n\r\n", .complete),
        Case("no space after the colon", "GET / HTTP/1.1\r\nhOST:h\r\n\r\n", .complete),
        Case("a port and an IPv6 address", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", .complete),
        Case("an empty header", "GET / HTTP/1.1\r\nHost: h\r\nX-A:\r\n\r\n", .complete),
        Case("UTF-8 in a value", "GET / HTTP/1.1\r\nHost: h\r\nX-A: é\t1\r\n\r\n", .complete),
        Case("a length of zero on GET", "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", .complete),
        Case("the largest body", post + "Content-Length: 32\r\n\r\n" + long.prefix(32), .complete),
        Case("no body at all", post + "\r\n", .complete),
        Case("chunks", chunked + "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n", .complete),
        Case(
            "chunks as large as a body may be", chunked + "20\r\n\(long.prefix(32))\r\n000\r\n\r\n", .complete
        ),
        Case("100-continue", post + "Content-Length: 1\r\nExpect: 100-Continue\r\n\r\na", .complete),
        Case("every method", "PATCH /a HTTP/1.1\r\nHost: h\r\n\r\n", .complete),
        Case("the longest target", "GET /\(long.prefix(63)) HTTP/1.1\r\nHost: h\r\n\r\n", .complete),
        Case("an unfinished request line", "GET /", .more),
        Case("unfinished headers", "GET / HTTP/1.1\r\nHost: h\r\n", .more),
        Case("an unfinished body", post + "Content-Length: 3\r\n\r\nab", .more),
        Case("unfinished chunks", chunked + "3\r\nabc\r\n0\r\n", .more),
    ]

    static let unsound: [Case] = [
        Case("an empty line first", "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", .refuse(.malformedRequestLine)),
        Case("a bare line end", "GET / HTTP/1.1\nHost: h\n\n", .refuse(.malformedRequestLine)),
        Case("a bare line end later", "GET / HTTP/1.1\r\nHost: h\n\r\n", .refuse(.malformedHeader)),
        Case("two spaces", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", .refuse(.malformedRequestLine)),
        Case("a space at the end", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n", .refuse(.malformedRequestLine)),
        Case("no version", "GET /\r\nHost: h\r\n\r\n", .refuse(.malformedRequestLine)),
        Case("HTTP/0.9", "GET / HTTP/0.9\r\n\r\n", .refuse(.versionUnknown)),
        Case("HTTP/1.2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", .refuse(.versionUnknown)),
        Case("HTTP/2.0", "PRI * HTTP/2.0\r\n\r\n", .refuse(.versionUnknown)),
        Case("an unknown method", "BREW / HTTP/1.1\r\nHost: h\r\n\r\n", .refuse(.methodUnknown)),
        Case("a method in lower case", "get / HTTP/1.1\r\nHost: h\r\n\r\n", .refuse(.methodUnknown)),
        Case("CONNECT", "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", .refuse(.methodUnknown)),
        Case("NUL in the target", "GET /\u{0} HTTP/1.1\r\nHost: h\r\n\r\n", .refuse(.malformedRequestLine)),
        Case("a fragment", "GET /#a HTTP/1.1\r\nHost: h\r\n\r\n", .refuse(.malformedRequestLine)),
        Case("a long target", "GET /\(long.prefix(64)) HTTP/1.1\r\n", .refuse(.targetTooLong)),
        Case("a long target that does not end", "GET /\(long)", .refuse(.targetTooLong)),
        Case("no Host", "GET / HTTP/1.1\r\n\r\n", .refuse(.missingHost)),
        Case("an empty Host", "GET / HTTP/1.1\r\nHost: \r\n\r\n", .refuse(.missingHost)),
        Case("a list of Hosts", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", .refuse(.missingHost)),
        Case("two Hosts", "GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", .refuse(.repeatedHost)),
        Case("a folded header", "GET / HTTP/1.1\r\nHost: h\r\n X: y\r\n\r\n", .refuse(.foldedHeader)),
        Case(
            "a header folded with a tab", "GET / HTTP/1.1\r\nHost: h\r\n\tx\r\n\r\n", .refuse(.foldedHeader)),
        Case("a space before the colon", "GET / HTTP/1.1\r\nHost : h\r\n\r\n", .refuse(.malformedHeader)),
        Case("a header without a name", "GET / HTTP/1.1\r\n: h\r\n\r\n", .refuse(.malformedHeader)),
        Case("a header without a colon", "GET / HTTP/1.1\r\nHost\r\n\r\n", .refuse(.malformedHeader)),
        Case("NUL in a header", "GET / HTTP/1.1\r\nHost: h\u{0}\r\n\r\n", .refuse(.malformedHeader)),
        Case("CR in a header", "GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n", .refuse(.malformedHeader)),
        Case("large headers", "GET / HTTP/1.1\r\nX-A: \(long)\r\n", .refuse(.headersTooLarge)),
        Case("large headers that do not end", "GET / HTTP/1.1\r\nX-A: \(long)", .refuse(.headersTooLarge)),
        Case(
            "many headers", "GET / HTTP/1.1\r\n" + String(repeating: "a:b\r\n", count: 9),
            .refuse(.headersTooLarge)),
        Case("a negative length", post + "Content-Length: -1\r\n\r\n", .refuse(.badLength)),
        Case("a signed length", post + "Content-Length: +1\r\n\r\n", .refuse(.badLength)),
        Case("a length in hex", post + "Content-Length: 0x1\r\n\r\n", .refuse(.badLength)),
        Case("an empty length", post + "Content-Length:\r\n\r\n", .refuse(.badLength)),
        Case("a list of lengths", post + "Content-Length: 1, 1\r\n\r\n", .refuse(.badLength)),
        Case("two lengths", post + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", .refuse(.badLength)),
        Case(
            "a length past all integers", post + "Content-Length: \(long.prefix(30))\r\n\r\n",
            .refuse(.badLength)),
        Case(
            "a length of thirty digits", post + "Content-Length: 999999999999999999999999999999\r\n\r\n",
            .refuse(.badLength)),
        Case("a large body", post + "Content-Length: 33\r\n\r\n", .refuse(.bodyTooLarge)),
        Case(
            "a length and chunks", post + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            .refuse(.lengthAndChunked)),
        Case(
            "chunks and a length", post + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
            .refuse(.lengthAndChunked)),
        Case("another coding", post + "Transfer-Encoding: gzip, chunked\r\n\r\n", .refuse(.codingUnknown)),
        Case("a disguised coding", post + "Transfer-Encoding: xchunked\r\n\r\n", .refuse(.codingUnknown)),
        Case(
            "chunked twice", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            .refuse(.codingUnknown)),
        Case(
            "chunks in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            .refuse(.codingUnknown)),
        Case(
            "GET with a body", "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na",
            .refuse(.unexpectedBody)),
        Case(
            "HEAD with chunks", "HEAD / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
            .refuse(.unexpectedBody)),
        Case("another expectation", post + "Expect: tea\r\n\r\n", .refuse(.expectationUnknown)),
        Case("chunks that sum up", chunked + "20\r\n\(long.prefix(32))\r\n1\r\n", .refuse(.bodyTooLarge)),
        Case("one large chunk", chunked + "7FFFFFFFFFFFFFF\r\n", .refuse(.bodyTooLarge)),
        Case("a chunk past all integers", chunked + "FFFFFFFFFFFFFFFFF\r\n", .refuse(.malformedChunk)),
        Case("a chunk of no size", chunked + "\r\n", .refuse(.malformedChunk)),
        Case("a signed chunk", chunked + "+1\r\na\r\n", .refuse(.malformedChunk)),
        Case("a chunk in 0x", chunked + "0x1\r\na\r\n", .refuse(.malformedChunk)),
        Case("a chunk with an extension", chunked + "1;a=b\r\na\r\n", .refuse(.malformedChunk)),
        Case("a chunk that is longer than it says", chunked + "1\r\nab\r\n", .refuse(.malformedChunk)),
        Case("a chunk with a bare line end", chunked + "1\na\r\n", .refuse(.malformedChunk)),
        Case("a trailer", chunked + "0\r\nHost: evil\r\n\r\n", .refuse(.malformedChunk)),
    ]

    @Test("lets the sound through", arguments: sound)
    func passes(_ c: Case) { #expect(verdict(of: [Array(c.request.utf8)]) == c.verdict) }

    @Test("refuses what two parsers could read in two ways, and what is too large", arguments: unsound)
    func refuses(_ c: Case) { #expect(verdict(of: [Array(c.request.utf8)]) == c.verdict) }

    @Test("judges the same however the bytes arrive", arguments: sound + unsound)
    func splits(_ c: Case) {
        let bytes = Array(c.request.utf8)
        for first in 0...bytes.count {
            #expect(verdict(of: [Array(bytes[..<first]), Array(bytes[first...])]) == c.verdict)
        }
        #expect(verdict(of: bytes.map { [$0] }) == c.verdict)
    }

    @Test("says the same of every prefix of a sound request: more", arguments: sound)
    func prefixes(_ c: Case) {
        let bytes = Array(c.request.utf8)
        for count in 0..<bytes.count where c.verdict == .complete {
            #expect(verdict(of: [Array(bytes[..<count])]) == .more)
        }
    }

    @Test("does not look beyond the request")
    func stops() {
        for c in Self.sound where c.verdict == .complete {
            #expect(verdict(of: [Array((c.request + "\u{0}\r\nrubbish").utf8)]) == .complete)
        }
    }

    @Test("survives a hundred thousand mangled requests", .timeLimit(.minutes(1)))
    func mangled() {
        var random = SplitMix64(seed: 7)
        let seeds = (Self.sound + Self.unsound).map { Array($0.request.utf8) }
        for _ in 0..<100_000 {
            var bytes = seeds[Int(random.next() % UInt64(seeds.count))]
            for _ in 0..<(1 + random.next() % 4) where !bytes.isEmpty {
                let at = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 3 {
                case 0: bytes[at] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.remove(at: at)
                default: bytes.insert(bytes[Int(random.next() % UInt64(bytes.count))], at: at)
                }
            }
            let cut = Int(random.next() % UInt64(bytes.count + 1))
            let whole = verdict(of: [bytes])
            let split = verdict(of: [Array(bytes[..<cut]), Array(bytes[cut...])])
            guard whole != split else { continue }
            Issue.record("\(bytes) cut at \(cut): \(whole) and \(split)")
            return
        }
    }

    private func verdict(of pieces: [[UInt8]]) -> RequestGuard.Verdict {
        var requestGuard = RequestGuard(limits: Self.limits)
        var verdict = RequestGuard.Verdict.more
        for piece in pieces where verdict == .more { verdict = requestGuard.feed(piece.span) }
        return verdict
    }
}
