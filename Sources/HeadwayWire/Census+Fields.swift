package import HeadwayCore

/// The hash `census`: field `held`, `queued:<pipeline>` or `running:<health>:<pipeline>` → how many.
extension Census {
    /// Reads as much as can be read: what is broken counts as none, which the next comparison with the index of
    /// open jobs shows.
    package init(fields: some Sequence<(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)>) {
        var counts: [Standing: Int] = [:]
        for (name, value) in fields {
            guard let standing = Standing(field: name),
                let count = FieldValue.integer(value, in: 1...FieldValue.greatest)
            else { continue }
            counts[standing] = count
        }
        self.init(counts)
    }

    /// Adds the fields of `standings` as far as somebody stands there.
    package func encode(_ standings: some Sequence<Standing>, into buffer: inout FieldBuffer) {
        for standing in standings where self[standing] > 0 { buffer.add(standing.field, self[standing]) }
    }
}

extension Census.Standing {
    /// The pipeline's name is the last part: it may have a colon in it.
    package init?(field: ArraySlice<UInt8>) {
        let parts = field.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        switch String(decoding: parts[0], as: UTF8.self) {
        case "held" where parts.count == 1: self = .held
        case "queued" where parts.count == 2:
            guard let pipeline = FieldValue.identifier(parts[1]) else { return nil }
            self = .queued(pipeline: pipeline)
        case "running" where parts.count == 2:
            let rest = parts[1].split(
                separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
            guard rest.count == 2, let pipeline = FieldValue.identifier(rest[1]),
                let health = Health(rawValue: String(decoding: rest[0], as: UTF8.self))
            else { return nil }
            self = .running(pipeline: pipeline, health)
        default: return nil
        }
    }

    package var field: String {
        switch self {
        case .held: "held"
        case .queued(let pipeline): "queued:\(pipeline)"
        case .running(let pipeline, let health): "running:\(health.rawValue):\(pipeline)"
        }
    }
}

extension Census.Standing {
    /// Those of `job:<id>` that tell what it counts as.
    package static let jobFields = [JobField.pipeline, .status, .health, .since].map(\.name)

    /// - Parameter values: of ``jobFields``, nil where there is none.
    /// - Returns: nil for what is not open, or not readable.
    package init?(jobFields values: [ArraySlice<UInt8>?]) {
        guard values.count == Self.jobFields.count else { return nil }
        func text(_ place: Int) -> String? { values[place].flatMap(FieldValue.text) }
        guard let pipeline = values[0].flatMap(Pipeline.Reference.init(bytes:))?.name,
            let status = text(1).flatMap({ JobState.Status(rawValue: $0) })
        else {
            guard values[0] == nil, values[3] != nil else { return nil }
            self = .held
            return
        }
        switch status {
        case .queued: self = .queued(pipeline: pipeline)
        case .running: self = .running(pipeline: pipeline, text(2).flatMap { Health(rawValue: $0) } ?? .ok)
        case .completed, .failed, .cancelled: return nil
        }
    }
}
