package import HeadwayCore

/// What one commit changed: the payload of the channel `changes`.
///
/// `<epoch> <commit> j:<job>=<version> b:<bulk>=<version> …`, or `<epoch> <commit> *` for many.
package struct ChangeNotice: Sendable, Equatable {
    package struct Change: Sendable, Equatable {
        package var subject: ProgressEvent.Subject
        package var version: Int64

        package init(_ subject: ProgressEvent.Subject, version: Int64) {
            self.subject = subject
            self.version = version
        }
    }

    package enum Changes: Sendable, Equatable {
        case some([Change])
        /// More than ``ChangeNotice/limit``: whoever follows anything here reads it again.
        case many
    }

    /// More changes than this are only said to be many.
    package static let limit = 500

    package var epoch: String
    package var commit: Int64
    package var changes: Changes

    package init(epoch: String, commit: Int64, changes: Changes) {
        self.epoch = epoch
        self.commit = commit
        self.changes = changes
    }

    package init(epoch: String, commit: Int64, changes: [Change]) {
        self.init(epoch: epoch, commit: commit, changes: changes.count > Self.limit ? .many : .some(changes))
    }

    /// Items of a kind that this version does not know are ignored.
    package init(_ bytes: ArraySlice<UInt8>) throws(WireError) {
        var items = PackedText.items(bytes)[...]
        guard let epoch = items.popFirst().flatMap(PackedText.text),
            let commit = items.popFirst().flatMap({ FieldValue.integer($0, in: 0...FieldValue.greatest) })
        else { throw .unreadable("changes") }
        self.init(epoch: epoch, commit: Int64(commit), changes: .many)
        guard items.first?.elementsEqual("*".utf8) != true else { return }
        var changes: [Change] = []
        changes.reserveCapacity(items.count)
        for item in items {
            guard let equals = item.lastIndex(of: UInt8(ascii: "=")), item.count > 3,
                item[item.startIndex + 1] == UInt8(ascii: ":"),
                let version = FieldValue.integer(item[(equals + 1)...], in: 0...FieldValue.greatest),
                equals > item.startIndex + 2,
                let id = FieldValue.identifier(item[(item.startIndex + 2)..<equals])
            else { throw .unreadable("changes") }
            switch item[item.startIndex] {
            case UInt8(ascii: "j"):
                changes.append(Change(.job(JobID(unchecked: id)), version: Int64(version)))
            case UInt8(ascii: "b"):
                changes.append(Change(.bulk(BulkID(unchecked: id)), version: Int64(version)))
            default: continue
            }
        }
        self.changes = .some(changes)
    }

    package init(_ text: String) throws(WireError) {
        try self.init(ArraySlice(text.utf8))
    }

    package func encode(into bytes: inout [UInt8]) {
        PackedText.append(epoch, to: &bytes)
        bytes.append(UInt8(ascii: " "))
        bytes.append(decimal: commit)
        guard case .some(let changes) = changes, changes.count <= Self.limit else {
            bytes.append(contentsOf: " *".utf8)
            return
        }
        for change in changes {
            switch change.subject {
            case .job(let id):
                bytes.append(contentsOf: " j:".utf8)
                bytes.append(contentsOf: id.description.utf8)
            case .bulk(let id):
                bytes.append(contentsOf: " b:".utf8)
                bytes.append(contentsOf: id.description.utf8)
            }
            bytes.append(UInt8(ascii: "="))
            bytes.append(decimal: change.version)
        }
    }

    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        encode(into: &bytes)
        return bytes
    }

    package var text: String { String(decoding: bytes, as: UTF8.self) }
}
