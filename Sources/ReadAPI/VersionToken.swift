/// Names one state of one subject, for `ETag`, `?version=` and `id:`: opaque to clients, who only compare.
///
/// `<epoch>-<version>`, and `-stale` behind it while the partition has no living owner: becoming stale is a
/// change too, or a client that polls with its token would be told "nothing new" for ever by a dead system.
package struct VersionToken: Sendable, Hashable, CustomStringConvertible {
    package let epoch: String
    package let version: Int64
    package let isStale: Bool

    package init(epoch: String, version: Int64, isStale: Bool = false) {
        self.epoch = epoch
        self.version = version
        self.isStale = isStale
    }

    package var description: String { "\(epoch)-\(version)\(isStale ? "-stale" : "")" }

    /// Whether a client that names `text` has this state already. Anything else (another epoch, an older or a
    /// later version, a token that we never made) is a change.
    ///
    /// - Parameter text: bare, quoted, or as a weak tag: `e7f3-17`, `"e7f3-17"`, `W/"e7f3-17"`.
    package func isNamed(by text: String) -> Bool { Self.bare(text) == description[...] }

    /// Weak: a state has one token, but `asOf` and `lagMs` differ from answer to answer.
    package var entityTag: String { "W/\"\(description)\"" }

    /// Whether an `If-None-Match` names the bare tag `own`: a list of tags, or `*`.
    static func isNamed(_ own: Substring, byTags list: String) -> Bool {
        list.split(separator: ",").contains { tag in
            let tag = tag.trimmingBlanks
            return tag == "*" || bare(String(tag)) == own
        }
    }

    static func bare(_ text: String) -> Substring {
        var text = text[...].trimmingBlanks
        if text.hasPrefix("W/") { text = text.dropFirst(2) }
        if text.count >= 2, text.first == "\"", text.last == "\"" { text = text.dropFirst().dropLast() }
        return text
    }
}

extension Substring {
    var trimmingBlanks: Substring {
        let blank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        guard let first = firstIndex(where: { !blank($0) }), let last = lastIndex(where: { !blank($0) })
        else {
            return self[startIndex..<startIndex]
        }
        return self[first...last]
    }
}
