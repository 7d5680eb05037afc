package import HeadwayCore

/// A partition's control hash: who owns it and how far it is.
///
/// Nobody but a taker and the owner ever writes it. The image always has all fields (an empty text means
/// none), so a plain `HSET` replaces it whole.
package struct Control: Sendable, Equatable {
    package enum Field: UInt8, FieldName {
        case owner, nonce, fence, next, beat, epoch, replication, checkpoint, commit, watermark, skew, floor
        case consumed, lost, format

        package static let table = NameTable(allCases) { String(describing: $0) }
    }

    /// The version of the layout that this code reads and writes.
    package static let format = 1

    /// The instance that holds the lease; nil when it released it.
    package var owner: String?
    /// Random, new at each take-over.
    package var nonce: String
    /// One higher at each take-over.
    package var fence: Int64
    /// To whom the owner handed it; ``halted`` when nobody may have it until a person has looked.
    package var next: String?

    /// No instance is called that: an instance's name has a host and a number.
    package static let halted = "halted"
    /// Moves with every commit.
    package var beat: Int64
    /// Changes when history may have been lost; part of every version token.
    package var epoch: String
    /// Redis' replication id when the epoch began.
    package var replicationID: String
    /// The last entry that is applied.
    package var checkpoint: StreamID
    /// Counts commits, +1 each.
    package var commit: Int64
    /// All deadlines before it have fired.
    package var watermark: Timestamp
    /// What the owner takes off Redis' clock.
    package var skew: Duration
    /// Silence before this does not count: nobody was there to hear. Kept for the heir: what was heard late bears the
    /// time at which it was said.
    package var silenceFloor: Timestamp?
    /// Entries consumed since ever.
    package var consumed: Int64
    /// Events that publishers counted and that never came.
    package var lost: Int64
    package var format: Int

    /// A partition that nobody has owned yet.
    package init() {
        nonce = ""
        fence = 0
        beat = 0
        epoch = ""
        replicationID = ""
        checkpoint = .zero
        commit = 0
        watermark = Timestamp(milliseconds: 0)
        skew = .zero
        consumed = 0
        lost = 0
        format = Self.format
    }

    /// Reads the hash; no fields at all are a partition that nobody has owned yet.
    package init(fields: some Sequence<(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)>) throws(WireError)
    {
        self.init()
        var seen: UInt64 = 0
        for (name, value) in fields {
            guard let field = Field.table[name] else { continue }
            seen |= field.bit
            try take(field, value)
        }
        guard seen != 0 else { return }
        for field: Field in [.nonce, .fence, .beat, .epoch, .checkpoint, .commit, .watermark]
        where seen & field.bit == 0 {
            throw .missing(field.name)
        }
    }

    private mutating func take(_ field: Field, _ value: ArraySlice<UInt8>) throws(WireError) {
        switch field {
        case .owner: owner = try Self.text(field, value)
        case .nonce: nonce = try Self.text(field, value) ?? ""
        case .fence: fence = try Self.number(field, value)
        case .next: next = try Self.text(field, value)
        case .beat: beat = try Self.number(field, value)
        case .epoch: epoch = try Self.text(field, value) ?? ""
        case .replication: replicationID = try Self.text(field, value) ?? ""
        case .checkpoint:
            guard let id = StreamID(value) else { throw .unreadable(field.name) }
            checkpoint = id
        case .commit: commit = try Self.number(field, value)
        case .watermark: watermark = Timestamp(milliseconds: try Self.number(field, value, from: .min))
        case .skew: skew = .milliseconds(try Self.number(field, value, from: .min))
        case .floor:
            silenceFloor =
                value.isEmpty ? nil : Timestamp(milliseconds: try Self.number(field, value, from: .min))
        case .consumed: consumed = try Self.number(field, value)
        case .lost: lost = try Self.number(field, value)
        case .format: format = Int(try Self.number(field, value))
        }
    }

    package func encode(into buffer: inout FieldBuffer) {
        buffer.add("owner", owner ?? "")
        buffer.add("nonce", nonce)
        buffer.add("fence", fence)
        buffer.add("next", next ?? "")
        buffer.add("beat", beat)
        buffer.add("epoch", epoch)
        buffer.add("replication", replicationID)
        buffer.add("checkpoint", checkpoint.description)
        buffer.add("commit", commit)
        buffer.add("watermark", watermark.milliseconds)
        buffer.add("skew", skew.wholeMilliseconds)
        if let silenceFloor {
            buffer.add("floor", silenceFloor.milliseconds)
        } else {
            buffer.add("floor", "")
        }
        buffer.add("consumed", consumed)
        buffer.add("lost", lost)
        buffer.add("format", format)
    }

    private static func text(_ field: Field, _ value: ArraySlice<UInt8>) throws(WireError) -> String? {
        guard let text = FieldValue.text(value) else { throw .unreadable(field.name) }
        return text.isEmpty ? nil : text
    }

    /// Bounded, so that counting on from it cannot overflow.
    private static func number(
        _ field: Field, _ value: ArraySlice<UInt8>, from low: Int64 = 0
    ) throws(WireError) -> Int64 {
        guard let number = FieldValue.integer(value), low...FieldValue.greatest ~= number else {
            throw .unreadable(field.name)
        }
        return number
    }
}
