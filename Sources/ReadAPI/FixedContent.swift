import HTTPServer
import HeadwayWire

/// What is the same for everybody until it changes: with a tag that names it, and as gzip too.
struct FixedContent: Sendable {
    let bytes: [UInt8]
    private let compressed: [UInt8]?
    /// Names the content: the first 96 bits of its SHA-256.
    private let name: String

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        compressed = Gzip.compressed(bytes)
        name = SHA256.digest(bytes).prefix(3).map { String($0, radix: 16) }.joined(separator: ".")
    }

    /// The content as the client takes it; 304 when it has it, in whichever coding.
    func answer(_ request: HTTPRequest, type: String, headers: [(String, String)] = []) -> HTTPResponse {
        let coded = Gzip.isAccepted(by: request) ? compressed : nil
        let all =
            [
                ("ETag", coded == nil ? "\"\(name)\"" : "\"\(name)-gzip\""), ("Cache-Control", "no-cache"),
                ("Vary", "Accept-Encoding"),
            ] + headers
        if let tags = request.header("If-None-Match"), isNamed(by: tags) {
            return HTTPResponse(status: 304, headers: all)
        }
        guard let coded else { return HTTPResponse(type: type, bytes, headers: all) }
        return HTTPResponse(type: type, coded, headers: all + [("Content-Encoding", "gzip")])
    }

    /// - Parameter tags: an `If-None-Match`: a list of tags, or `*`.
    private func isNamed(by tags: String) -> Bool {
        tags.split(separator: ",").contains { tag in
            let tag = tag.trimmingBlanks
            let bare = VersionToken.bare(String(tag))
            return tag == "*" || bare == name[...] || bare == "\(name)-gzip"
        }
    }
}
