package import HTTPServer

/// Which pages of other origins a browser lets in here: CORS, by the Fetch standard. Pure.
///
/// `*` opens what only reads to every page; an origin that is named may write too. Nobody else may do either: a
/// browser keeps our answers from the page, and writes are refused by ``refuses(_:reads:)``. Tokens are never sent
/// by a browser of itself, so no answer allows credentials.
package struct AllowedOrigins: Sendable, Equatable {
    /// Whether every page may read.
    package private(set) var isOpen = false
    /// As browsers spell them: `https://app.example`, `http://localhost:3000`.
    package private(set) var names: Set<String> = []

    /// Our own pages only.
    package static let none = AllowedOrigins()

    private init() {}

    /// Why a text is no list of origins, as the end of a sentence.
    package struct Mistake: Error, Sendable, Equatable {
        package let detail: String
    }

    /// - Parameter list: origins, or `*`, separated by commas.
    package init(_ list: String) throws(Mistake) {
        for part in list.split(separator: ",") {
            let text = part.trimmingBlanks
            if text == "*" {
                isOpen = true
            } else {
                names.insert(try Self.origin(text.lowercased()))
            }
        }
        guard isOpen || !names.isEmpty else { throw Mistake(detail: "names no origin") }
    }

    /// Scheme, host and port as a browser's `Origin` header has them: the scheme's own port is left out.
    private static func origin(_ text: String) throws(Mistake) -> String {
        for (scheme, port) in [("https://", ":443"), ("http://", ":80")] where text.hasPrefix(scheme) {
            let place = text.dropFirst(scheme.count)
            let isPlain = place.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: ":"), UInt8(ascii: "["),
                    UInt8(ascii: "]"):
                    true
                default: false
                }
            }
            guard !place.isEmpty, isPlain, place.first != ":" else { break }
            return place.hasSuffix(port) ? String(text.dropLast(port.count)) : text
        }
        throw Mistake(
            detail: "wants * or origins such as https://app.example or http://localhost:3000, without a path;"
                + " \(text.prefix(80)) is none")
    }

    // MARK: Answers

    /// What is added to the answer, so that a browser hands it to the page that asked.
    ///
    /// - Parameter methods: of the path, each with whether it only reads.
    package func headers(
        for request: HTTPRequest, methods: [(name: String, reads: Bool)]
    ) -> [(String, String)] {
        guard self != .none else { return [] }
        // What a cache keeps for one page is not what another may see.
        var headers = names.isEmpty ? [] : [("Vary", "Origin")]
        guard let origin = request.header("Origin") else { return headers }
        let isNamed = names.contains(origin)
        guard isNamed || isOpen else { return headers }
        headers.append(("Access-Control-Allow-Origin", isNamed ? origin : "*"))
        guard request.method == .options, request.header("Access-Control-Request-Method") != nil else {
            headers.append(("Access-Control-Expose-Headers", "Allow, ETag, Location, Retry-After"))
            return headers
        }
        let allowed = methods.filter { isNamed || $0.reads }.map(\.name)
        headers.append(("Access-Control-Allow-Methods", allowed.joined(separator: ", ")))
        if let wanted = request.header("Access-Control-Request-Headers") {
            headers.append(("Access-Control-Allow-Headers", wanted))
        }
        headers.append(("Access-Control-Max-Age", "600"))
        return headers
    }

    /// Whether a request comes from a page of another origin that may not change anything here: without this, any
    /// page that somebody opens could use that somebody's way to a server behind a firewall. Programs send neither
    /// header that says so; browsers do, and no page can change them.
    ///
    /// `Sec-Fetch-Site` decides where there is one. Browsers send it to https and to localhost only (Fetch Metadata,
    /// 2.3); elsewhere `Origin`, which comes with every write (Fetch, 3.2), has to be named or to be that of `Host`.
    /// A sandboxed frame's is `null`, which is neither. A page whose name was made to lead here (DNS rebinding) has
    /// the right `Host`: only an operator token keeps that out.
    package func refuses(_ request: HTTPRequest, reads: Bool) -> Bool {
        guard !reads else { return false }
        let origin = request.header("Origin")
        if let origin, names.contains(origin) { return false }
        if let site = request.header("Sec-Fetch-Site") { return site == "cross-site" || site == "same-site" }
        guard let origin else { return false }
        return !Self.isOwn(origin, host: request.header("Host") ?? "")
    }

    /// Whether an origin's place is the one that was asked for. A proxy may speak TLS where we do not, so only the
    /// port that the origin's own scheme implies may be missing on one side.
    private static func isOwn(_ origin: String, host: String) -> Bool {
        let origin = origin.lowercased()
        for (scheme, port) in [("https://", ":443"), ("http://", ":80")] where origin.hasPrefix(scheme) {
            func plain(_ place: String) -> String {
                place.hasSuffix(port) ? String(place.dropLast(port.count)) : place
            }
            let place = plain(String(origin.dropFirst(scheme.count)))
            return !place.isEmpty && place == plain(host.lowercased())
        }
        return false
    }
}
