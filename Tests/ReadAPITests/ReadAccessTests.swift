import HTTPServer
import HeadwayWire
import Testing

@testable import ReadAPI

@Suite("Who may read")
struct ReadAccessTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let stored: String?
        let presented: [String]
        let grant: ReadGrant
        var testDescription: String { "\(stored ?? "no token") for \(presented) is \(grant)" }
    }

    static let digest = SHA256.hex("right")
    static let rows = [
        Row(stored: nil, presented: [], grant: .open),
        Row(stored: nil, presented: ["wrong"], grant: .open),
        Row(stored: nil, presented: ["boss"], grant: .open),
        Row(stored: digest, presented: [], grant: .missing),
        Row(stored: digest, presented: [""], grant: .missing),
        Row(stored: digest, presented: ["wrong"], grant: .wrong),
        Row(stored: digest, presented: ["right "], grant: .wrong),
        Row(stored: digest, presented: ["Right"], grant: .wrong),
        // What is stored is no key itself.
        Row(stored: digest, presented: [digest], grant: .wrong),
        Row(stored: digest, presented: [String(repeating: "x", count: 513)], grant: .wrong),
        Row(stored: digest, presented: ["right"], grant: .granted),
        Row(stored: digest, presented: ["wrong", "right"], grant: .granted),
        Row(stored: digest, presented: ["right", "wrong"], grant: .granted),
        Row(stored: digest, presented: ["boss"], grant: .granted),
        Row(stored: digest, presented: ["wrong", "boss"], grant: .granted),
        // Nobody can hold the token of a digest that is none.
        Row(stored: "", presented: [""], grant: .missing),
        Row(stored: "", presented: ["right"], grant: .wrong),
        Row(stored: "right", presented: ["right"], grant: .wrong),
        Row(stored: digest.uppercased(), presented: ["right"], grant: .wrong),
        Row(stored: "", presented: ["boss"], grant: .granted),
    ]

    @Test("the table", arguments: rows)
    func table(_ row: Row) {
        let access = ReadAccess(row.presented, operatorDigest: TokenDigest(of: "boss"))
        #expect(access.grant(row.stored) == row.grant)
        #expect(access.isOperator == row.presented.contains("boss"))
    }

    @Test("without an operator's token nobody is the operator, whatever they present")
    func noOperator() {
        for token in ["", "boss", "operator", SHA256.hex("")] {
            #expect(!ReadAccess([token], operatorDigest: nil).isOperator)
        }
    }

    @Test("a list's tokens and a request's open together, and neither takes from the other")
    func joined() {
        let (a, b) = (ReadAccess(["a"], operatorDigest: nil), ReadAccess(["b"], operatorDigest: nil))
        for both in [a.joined(with: b), b.joined(with: a), a.joined(with: b).joined(with: .nobody)] {
            #expect(both.grant(SHA256.hex("a")) == .granted)
            #expect(both.grant(SHA256.hex("b")) == .granted)
            #expect(both.grant(SHA256.hex("c")) == .wrong)
        }
        #expect(a.joined(with: .operating).isOperator)
        #expect(ReadAccess.nobody.joined(with: .nobody) == .nobody)
    }

    struct Header: Sendable, CustomTestStringConvertible {
        let value: String
        let token: String?
        var testDescription: String { value }
    }

    @Test(
        "a bearer token is what stands behind the scheme, in any case of it",
        arguments: [
            Header(value: "Bearer abc", token: "abc"), Header(value: "bearer abc", token: "abc"),
            Header(value: "BEARER   abc", token: "abc"), Header(value: "Bearer", token: ""),
            Header(value: "Basic abc", token: nil), Header(value: "abc", token: nil),
            Header(value: "Bearerabc", token: nil),
        ])
    func bearer(_ header: Header) throws {
        let request = try #require(HTTPRequest(.get, "/", headers: [("Authorization", header.value)]))
        #expect(RouteCall(request: request, captures: []).bearerToken == header.token)
    }
}
