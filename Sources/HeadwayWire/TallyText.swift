import HeadwayCore

/// Counts by name as one value: `research=3 writing=4`.
enum TallyText {
    static func append<Key>(
        _ tally: [(Key, Int)], to bytes: inout [UInt8], spelled: (Key, inout [UInt8]) -> Void
    ) {
        for (place, (key, count)) in tally.enumerated() {
            if place > 0 { bytes.append(UInt8(ascii: " ")) }
            spelled(key, &bytes)
            bytes.append(UInt8(ascii: "="))
            bytes.append(decimal: Int64(count))
        }
    }

    /// - Returns: nil when an item, its key or its count is not readable, or a key comes twice.
    static func tally<Key: Hashable>(
        _ bytes: ArraySlice<UInt8>, key: (ArraySlice<UInt8>) -> Key?
    ) -> [Key: Int]? {
        var tally: [Key: Int] = [:]
        for item in PackedText.items(bytes) {
            guard let (name, value) = PackedText.pair(item), let key = key(name),
                let count = FieldValue.integer(value, in: -FieldValue.greatest...FieldValue.greatest),
                tally.updateValue(count, forKey: key) == nil
            else { return nil }
        }
        return tally
    }

    static func failureKind(_ bytes: ArraySlice<UInt8>) -> BulkShare.FailureKind? {
        let parts = PackedText.parts(bytes, by: "|")
        guard parts.count == 2, let code = PackedText.text(parts[0]), let stage = PackedText.text(parts[1])
        else { return nil }
        return BulkShare.FailureKind(code: code, stage: stage)
    }

    /// `job|code|stage`.
    static func failing(_ bytes: ArraySlice<UInt8>) -> BulkShare.Failing? {
        let parts = PackedText.parts(bytes, by: "|")
        guard parts.count == 3, let job = PackedText.text(parts[0]).flatMap(JobID.init),
            let code = PackedText.text(parts[1]), let stage = PackedText.text(parts[2])
        else { return nil }
        return BulkShare.Failing(job: job, kind: BulkShare.FailureKind(code: code, stage: stage))
    }
}

/// A settlement as one value: `generation=1 at=… queued=0 running=0 completed=12 failed=1 cancelled=0`.
enum SettlementText {
    static func append(_ settlement: BulkShare.Settlement, to bytes: inout [UInt8]) {
        let counts = settlement.counts
        let tally: [(String, Int)] = [
            ("generation", settlement.generation), ("at", Int(settlement.at.milliseconds)),
            ("queued", counts.queued),
            ("running", counts.running), ("completed", counts.completed), ("failed", counts.failed),
            ("cancelled", counts.cancelled),
        ]
        TallyText.append(tally, to: &bytes) { $1.append(contentsOf: $0.utf8) }
    }

    /// Names that this version does not know are ignored.
    static func settlement(_ bytes: ArraySlice<UInt8>) -> BulkShare.Settlement? {
        guard let tally = TallyText.tally(bytes, key: { FieldValue.text($0) }),
            let generation = tally["generation"],
            let at = tally["at"]
        else { return nil }
        var counts = BulkCounts()
        for status in JobState.Status.allCases {
            guard let count = tally[status.rawValue], count >= 0 else { return nil }
            counts[status] = count
        }
        return BulkShare.Settlement(
            generation: generation, counts: counts, at: Timestamp(milliseconds: Int64(at)))
    }
}
