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
    @discardableResult
    package func encode(into buffer: inout FieldBuffer) -> FieldSet<JobField> {
        switch self {
        case .unknown, .expired: return imageFields
        case .job(let job): return job.encode(into: &buffer)
        case .placeholder(let placeholder):
            placeholder.encode(into: &buffer)
            return imageFields
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
