/// The fields of `bulk:<id>`; an absent field is nil, none or zero.
package enum ShareField: UInt8, FieldName {
    /// Members here by status. Always all five.
    case queued, running, completed, failed, cancelled
    /// Σ of the members' weights.
    case weight
    /// Σ of weight × parts per million.
    case progress
    /// Of running members: `ok=6 stalled=1`.
    case health
    /// Of running members: `research=3 writing=4`.
    case stages
    /// `rate_limited|writing=1`: code, stage, count.
    case failures
    /// When members ended: `1785585600000/10000 0 3 1`, from when, slot width, ends per slot.
    case finishes
    case reopened
    /// `1` when the bulk is being cancelled.
    case cancelling
    /// The generation that is known as settled.
    case settled
    /// The lowest generation that may still settle here; 1 when absent.
    case openGeneration
    /// What is still to be told to others: a sum of 1 announce, 2 settle, 4 reopen, 8 cancel, 16 failing.
    case errands
    /// Whom `failing` is about: `job|code|stage`.
    case failing
    /// The generation of which home was told that a member failed here; 0 when absent.
    case failureGeneration
    case updated, version
    // Only at home; home is there when `created` is.
    case created, label, total
    /// `1` when sealed.
    case sealed
    case sealedAt
    /// `generation=1 at=1754000000000 queued=0 running=0 completed=12 failed=1 cancelled=0`.
    case settlement
    /// The last generation whose first failure was told; 0 when absent.
    case toldFailure

    package static let table = NameTable(allCases) { String(describing: $0) }
}
