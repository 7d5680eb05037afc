package import HeadwayCore

/// Which fields a stored image has.
///
/// `HSET` of a new image leaves what only the old one had; whoever writes keeps the set of the old image and
/// deletes the difference beside the write. Attributes are not in it: a job gains them and never loses one.
package struct FieldSet<Field: FieldName>: Sendable, Equatable {
    var bits: UInt64

    /// The names that `older` has and this lacks; empty for nearly every write.
    package func vanished(since older: FieldSet) -> [String] {
        let gone = older.bits & ~bits
        guard gone != 0 else { return [] }
        return Field.allCases.filter { gone & $0.bit != 0 }.map(\.name)
    }
}

extension JobRecord {
    package var imageFields: FieldSet<JobField> {
        switch self {
        case .unknown, .expired: return FieldSet(bits: 0)
        case .placeholder: return FieldSet(bits: JobField.held.bit | JobField.since.bit)
        case .job(let job):
            var outline = ImageOutline<JobField>()
            job.describe(to: &outline)
            return FieldSet(bits: outline.fields)
        }
    }
}

extension BulkShare {
    package var imageFields: FieldSet<ShareField> {
        var outline = ImageOutline<ShareField>()
        describe(to: &outline)
        return FieldSet(bits: outline.fields)
    }
}
