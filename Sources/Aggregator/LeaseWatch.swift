import HeadwayWire

/// Decides when a partition may be taken. Pure: told what was read and when, by this instance's own
/// monotonic clock.
///
/// Nobody's wall clock is believed, Redis' least of all: it may jump, and a lease on it would then last an
/// hour or no time at all. An owner is gone when the same (nonce, beat) was seen for the whole lease, and
/// only time that successful reads cover counts: a standby that was itself frozen starts over.
///
///     halted ──▶ wait, whoever owns it
///     free, released to anybody, named as next, or held by my own last nonce ──▶ take
///     handed to one that has left ──▶ take
///     held by another, or handed to another: (nonce, beat) moved ──▶ wait, count from zero
///                                            (nonce, beat) stood still for the lease ──▶ take
struct LeaseWatch: Sendable, Equatable {
    enum Decision: Sendable, Equatable {
        case take
        case wait
    }

    let lease: Duration
    let instance: String
    /// The nonce this instance wrote when it last took the partition.
    var ownNonce: String?
    /// Who is there and not leaving, as last told; nil while nobody has told. Only for whom not to wait for: a take
    /// is safe whoever else may come.
    var present: Set<String>?

    private var nonce = ""
    private var beat: Int64 = -1
    private var covered: Duration = .zero
    private var lastRead: Duration?

    init(lease: Duration, instance: String) {
        self.lease = lease
        self.instance = instance
    }

    /// - Parameters:
    ///   - control: as just read; nil when the partition was never owned.
    ///   - now: monotonic, when the reply arrived.
    mutating func observe(_ control: Control?, at now: Duration) -> Decision {
        guard let control else { return .take }
        // A person must look first; see docs/operations.md.
        if control.next == Control.halted { return .wait }
        if control.next == instance { return .take }
        if control.owner == nil {
            // Handed to somebody: the heir first; anybody when the heir has left, or does not come.
            guard let heir = control.next else { return .take }
            if let present, !present.contains(heir) { return .take }
        } else if control.nonce == ownNonce {
            return .take
        }

        let stoodStill = control.nonce == nonce && control.beat == beat
        if stoodStill, let lastRead, now - lastRead <= lease / 4 {
            covered += now - lastRead
        } else if !stoodStill {
            covered = .zero
        }
        nonce = control.nonce
        beat = control.beat
        lastRead = now
        return covered >= lease ? .take : .wait
    }

    /// After a failed read: the time until the next one is not covered.
    mutating func lostSight() { lastRead = nil }
}
