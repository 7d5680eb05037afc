public import HeadwayCore

extension JobRecord {
    /// Reads all that is known of an id: the hash `job:<id>` first, then the tombstone.
    ///
    /// - Parameters:
    ///   - fields: of the hash; none when there is no such key.
    ///   - tombstone: the text of `tomb:<id>`, nil when there is no such key.
    @inlinable
    package init(
        id: JobID, job fields: some Sequence<(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)>,
        tombstone: ArraySlice<UInt8>?
    ) throws(WireError) {
        var scan = JobScan()
        for (name, value) in fields { scan.take(name, value) }
        self = try scan.record(id, tombstone)
    }

    /// Adds the image of `job:<id>`; nothing for what has no hash.
    package func encode(into buffer: inout FieldBuffer) {
        switch self {
        case .unknown, .expired: break
        case .job(let job): job.encode(into: &buffer)
        case .placeholder(let placeholder): placeholder.encode(into: &buffer)
        }
    }

    /// The fields of the older record's hash that this one's no longer has: what to `HDEL` beside the `HSET`.
    package func vanished(since older: JobRecord) -> [String] {
        switch (older, self) {
        case (.job(let older), .job(let job)): return job.vanished(since: older)
        case (.placeholder, .job): return [JobField.held.name, JobField.since.name]
        case (.unknown, _), (.expired, _), (.placeholder, .placeholder): return []
        case (.job, _), (.placeholder, _):
            // The hash goes as a whole, or (never in the fold) turns into a placeholder's.
            var fields = FieldBuffer()
            older.encode(into: &fields)
            return fields.map { String(decoding: $0.name, as: UTF8.self) }
        }
    }
}

extension JobRecord.Placeholder {
    /// Adds the image of `job:<id>` while nobody has named the job's pipeline.
    package func encode(into buffer: inout FieldBuffer) {
        buffer.add(JobField.since.name, since.milliseconds)
        buffer.add(JobField.held.name) { HeldText.append(held, to: &$0) }
    }
}
