import HeadwayWire
import Testing

@Suite("SHA-256")
struct SHA256Tests {
    struct Vector: Sendable, CustomTestStringConvertible {
        let message: String
        let digest: String
        var testDescription: String { "\(message.utf8.count) bytes" }
    }

    /// FIPS 180-4's own, and every length around where the padding takes another block, by `sha256sum`.
    static let vectors = [
        Vector(message: "", digest: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        Vector(message: "abc", digest: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        Vector(
            message: "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            digest: "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
        Vector(
            message: "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                + "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
            digest: "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"),
        Vector(
            message: String(repeating: "a", count: 55),
            digest: "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"),
        Vector(
            message: String(repeating: "a", count: 56),
            digest: "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"),
        Vector(
            message: String(repeating: "a", count: 64),
            digest: "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"),
        Vector(
            message: String(repeating: "a", count: 1000),
            digest: "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3"),
    ]

    @Test("agrees with the standard's examples, as hex and as bytes", arguments: vectors)
    func vector(_ vector: Vector) throws {
        #expect(SHA256.hex(vector.message) == vector.digest)
        let bytes = SHA256.hash(Array(vector.message.utf8))
        #expect(bytes.count == 32)
        let hex = bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        #expect(hex == vector.digest)
        #expect(TokenDigest(hex: vector.digest) == TokenDigest(of: vector.message))
    }

    @Test("two digests are equal when every bit is: one that differs anywhere is another")
    func everyBit() throws {
        let digits = Array("0123456789abcdef")
        let text = Array(SHA256.hex("a token"))
        let digest = try #require(TokenDigest(hex: String(text)))
        #expect(digest == TokenDigest(of: "a token"))
        for place in text.indices {
            for bit in 0..<4 {
                var other = text
                let value = try #require(digits.firstIndex(of: other[place]))
                other[place] = digits[value ^ (1 << bit)]
                let found = try #require(TokenDigest(hex: String(other)))
                #expect(found != digest, "digit \(place), bit \(bit)")
            }
        }
    }

    @Test(
        "anything but 64 lower-case hex digits is no digest",
        arguments: [
            "", "abc", String(repeating: "0", count: 63), String(repeating: "0", count: 65),
            String(repeating: "A", count: 64), String(repeating: "g", count: 64),
            String(repeating: "é", count: 32),
        ])
    func shapes(_ text: String) { #expect(TokenDigest(hex: text) == nil) }
}
