/// Where a view answers: literal segments and one capture.
struct ViewRoute: Sendable, Hashable {
    enum Subject: String, Sendable, Hashable {
        case job, bulk
    }

    /// As it was written: `/api/status/{job}`.
    let pattern: String
    /// Nil at ``capture``.
    let segments: [String?]
    let capture: Int
    let subject: Subject

    /// Two routes are the same when they match the same paths for the same kind of subject.
    static func == (a: Self, b: Self) -> Bool { a.segments == b.segments && a.subject == b.subject }

    func hash(into hasher: inout Hasher) {
        hasher.combine(segments)
        hasher.combine(subject)
    }

    /// First segments that Headway keeps for itself.
    static let reserved = [
        "v1", "healthz", "readyz", "metrics", "openapi.json", "headway", "headway.js",
    ]
    static let lengthLimit = 200

    /// - Returns: the id in the path; nil when it is another path.
    func match(_ path: [String]) -> String? {
        guard path.count == segments.count else { return nil }
        for (segment, text) in zip(segments, path) where segment != nil && segment != text { return nil }
        return path[capture]
    }

    /// Literals before captures, where two first differ.
    func precedes(_ other: ViewRoute) -> Bool {
        for (own, others) in zip(segments, other.segments) where (own == nil) != (others == nil) {
            return own != nil
        }
        return pattern < other.pattern
    }

    /// Why a text is no route: what is wrong, and what to do.
    struct Mistake: Error, Sendable, Equatable {
        let detail: String
    }

    init(_ pattern: String) throws(Mistake) {
        guard pattern.hasPrefix("/"), pattern.utf8.count <= Self.lengthLimit else {
            throw Mistake(detail: "is not a path of at most 200 bytes: write \"/api/status/{job}\"")
        }
        let parts = pattern.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty }) else {
            throw Mistake(detail: "has an empty segment: leave out doubled slashes and the last one")
        }
        var captures: [(place: Int, subject: Subject)] = []
        var segments: [String?] = []
        for (place, part) in parts.enumerated() {
            if part == "{job}" || part == "{bulk}" {
                captures.append((place, part == "{job}" ? .job : .bulk))
                segments.append(nil)
            } else if part.utf8.allSatisfy(Self.isPlain) {
                segments.append(String(part))
            } else {
                throw Mistake(
                    detail: "has a segment (\(part)) that is neither {job} nor {bulk} nor letters, digits"
                        + " and . _ ~ -")
            }
        }
        guard captures.count == 1, let capture = captures.first else {
            throw Mistake(
                detail: "has \(captures.isEmpty ? "no capture" : "\(captures.count) captures"): write exactly"
                    + " one {job} or {bulk}")
        }
        guard let first = segments[0] else {
            throw Mistake(detail: "begins with its capture: put a word of your own before it")
        }
        guard !Self.reserved.contains(first) else {
            throw Mistake(detail: "begins with /\(first), which is Headway's own: choose another word")
        }
        self.pattern = pattern
        self.segments = segments
        self.capture = capture.place
        subject = capture.subject
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
