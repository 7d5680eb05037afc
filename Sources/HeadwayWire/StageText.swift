import HeadwayCore

/// A job's stage records as one value: `research=c writing=r/2`.
enum StageText {
    static func append(_ records: [JobState.StageRecord], to bytes: inout [UInt8]) {
        for (place, record) in records.enumerated() {
            if place > 0 { bytes.append(UInt8(ascii: " ")) }
            PackedText.append(record.stage, to: &bytes)
            bytes.append(UInt8(ascii: "="))
            bytes.append(letter(record.phase))
            guard record.attempt != 1 else { continue }
            bytes.append(UInt8(ascii: "/"))
            bytes.append(decimal: Int64(record.attempt))
        }
    }

    static func records(_ bytes: ArraySlice<UInt8>) -> [JobState.StageRecord]? {
        var records: [JobState.StageRecord] = []
        for item in PackedText.items(bytes) {
            guard let (name, value) = PackedText.pair(item), let stage = PackedText.text(name),
                let letter = value.first, let phase = phase(letter)
            else { return nil }
            var attempt = 1
            if value.count > 1 {
                let rest = value.dropFirst()
                guard rest.first == UInt8(ascii: "/"),
                    let number = FieldValue.integer(rest.dropFirst(), in: 1...FieldValue.greatest)
                else { return nil }
                attempt = number
            }
            records.append(JobState.StageRecord(stage: stage, attempt: attempt, phase: phase))
        }
        return records
    }

    private static func letter(_ phase: JobState.StageRecord.Phase) -> UInt8 {
        switch phase {
        case .running: UInt8(ascii: "r")
        case .completed: UInt8(ascii: "c")
        case .skipped: UInt8(ascii: "s")
        case .withdrawn: UInt8(ascii: "w")
        }
    }

    private static func phase(_ letter: UInt8) -> JobState.StageRecord.Phase? {
        JobState.StageRecord.Phase.allCases.first { Self.letter($0) == letter }
    }
}
