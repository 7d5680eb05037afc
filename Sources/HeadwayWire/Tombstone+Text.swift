package import HeadwayCore

extension JobRecord.Tombstone {
    /// Reads `status;attempt;version;pipeline;weight;finishedAt;bulk;token;code;stage`; more parts are a
    /// later version's and are ignored.
    package init(text: ArraySlice<UInt8>) throws(WireError) {
        let parts = PackedText.parts(text, by: ";")
        guard parts.count >= 6,
            let status = FieldValue.text(parts[0]).flatMap(JobState.Status.init(rawValue:)),
            let attempt = FieldValue.integer(parts[1], in: 1...FieldValue.greatest),
            let version = FieldValue.integer(parts[2], in: 0...FieldValue.greatest),
            let pipeline = Pipeline.Reference(bytes: parts[3]),
            let weight = FieldValue.integer(parts[4], in: 1...Int64(WireLimits.weight)),
            let finishedAt = FieldValue.integer(parts[5])
        else { throw .unreadable("tombstone") }
        var isBroken = false
        var rest = parts[6...].map { PackedText.optionalText($0, &isBroken) }[...]
        let bulk = rest.popFirst() ?? nil
        self.init(
            status: status, attempt: attempt, version: Int64(version), pipeline: pipeline,
            bulk: bulk.flatMap { BulkID($0) }, weight: weight,
            finishedAt: Timestamp(milliseconds: finishedAt), token: rest.popFirst() ?? nil,
            failureCode: rest.popFirst() ?? nil, failureStage: rest.popFirst() ?? nil)
        guard !isBroken, (bulk == nil) == (self.bulk == nil) else { throw .unreadable("tombstone") }
    }

    package init(text: String) throws(WireError) {
        try self.init(text: ArraySlice(text.utf8))
    }

    /// `failed;2;17;article@3;1;1754000000000;spring;;rate_limited;writing`
    package var text: String {
        var bytes: [UInt8] = []
        bytes.append(contentsOf: status.rawValue.utf8)
        for number in [Int64(attempt), version] {
            bytes.append(UInt8(ascii: ";"))
            bytes.append(decimal: number)
        }
        bytes.append(UInt8(ascii: ";"))
        bytes.append(contentsOf: pipeline.description.utf8)
        for number in [Int64(weight), finishedAt.milliseconds] {
            bytes.append(UInt8(ascii: ";"))
            bytes.append(decimal: number)
        }
        for part in [bulk?.description, token, failureCode, failureStage] {
            bytes.append(UInt8(ascii: ";"))
            PackedText.append(part, to: &bytes)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
