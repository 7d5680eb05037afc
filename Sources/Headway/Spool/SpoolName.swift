import HeadwayWire

/// A spool file's name: `<namespace>.<partitions>.<source>.spool`. Whose events it holds is known without opening it.
struct SpoolName: Sendable, Equatable, CustomStringConvertible {
    let namespace: String
    let partitions: Int
    /// Of the process that wrote it, at its start.
    let source: String

    static let suffix = "spool"
    /// Behind the name of a file that was read as far as it could be, and is kept for a person.
    static let damaged = ".damaged"
    /// Behind the name of one that is being made.
    static let draft = ".draft"

    init(_ keyspace: Keyspace, source: String) {
        namespace = keyspace.namespace
        partitions = keyspace.partitions
        self.source = source
    }

    /// - Returns: nil for a file that is none of ours.
    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count >= 4, parts[parts.count - 1] == Self.suffix,
            let partitions = Int(parts[parts.count - 3]), 1...1024 ~= partitions,
            !parts[parts.count - 2].isEmpty
        else { return nil }
        namespace = parts[..<(parts.count - 3)].joined(separator: ".")
        guard !namespace.isEmpty else { return nil }
        self.partitions = partitions
        source = String(parts[parts.count - 2])
    }

    func belongs(to keyspace: Keyspace) -> Bool {
        namespace == keyspace.namespace && partitions == keyspace.partitions
    }

    var description: String { "\(namespace).\(partitions).\(source).\(Self.suffix)" }
}
