import HeadwayWire

/// Which instances live, and who should hand a partition to whom. Pure: told what was read and when, by this
/// instance's own monotonic clock.
///
/// An instance lives when its beat was seen to move within the lease; one that was never seen to move is not
/// trusted with anything. As with partitions, only time that reads cover counts towards its end, so a
/// standby that was itself frozen takes nobody for dead.
///
/// All instances come to the same decision from the same beats: the one that owns most (of those the first by
/// name) hands one partition to the one that owns least, until the two differ by one at most.
struct FleetView: Sendable, Equatable {
    private struct Sighting: Sendable, Equatable {
        var beat: InstanceBeat
        var hasMoved = false
        /// How long it stood still, as far as reads covered it.
        var still: Duration = .zero
        /// Partitions handed to it that its beat cannot know of yet.
        var promised = 0
        var promisedAt: Int64 = 0
    }

    let instance: String
    let lease: Duration
    private var others: [String: Sighting] = [:]
    private var lastRead: Duration?

    init(instance: String, lease: Duration) {
        self.instance = instance
        self.lease = lease
    }

    /// - Parameters:
    ///   - beats: of all instances as just read; this one's own is passed over.
    ///   - now: monotonic, when the reply arrived.
    mutating func observe(_ beats: [String: InstanceBeat], at now: Duration) {
        let step = lastRead.map { now - $0 } ?? .zero
        lastRead = now
        let covered = step <= lease / 2 ? step : .zero
        others = others.filter { beats[$0.key] != nil }
        for (name, beat) in beats where name != instance {
            guard var sighting = others[name] else {
                others[name] = Sighting(beat: beat)
                continue
            }
            if sighting.beat.beat != beat.beat {
                sighting.hasMoved = true
                sighting.still = .zero
                // Two beats later what it says of itself includes what it was given.
                if beat.beat - sighting.promisedAt >= 2 { sighting.promised = 0 }
            } else {
                sighting.still += covered
            }
            sighting.beat = beat
            others[name] = sighting
        }
    }

    /// After a failed read: the time until the next one is not covered.
    mutating func lostSight() { lastRead = nil }

    private func lives(_ sighting: Sighting) -> Bool { sighting.hasMoved && sighting.still < lease }

    /// Living instances, this one among them, by name.
    var living: [String] {
        (others.filter { lives($0.value) && !$0.value.beat.isLeaving }.map(\.key) + [instance]).sorted()
    }

    /// Instances that stood still for so long that what they left may be removed.
    var gone: [String] {
        let patience = max(lease + lease + lease, .seconds(30))
        return others.filter { $0.value.still >= patience }.map(\.key).sorted()
    }

    /// To whom this instance should hand one of its partitions now.
    ///
    /// - Parameter owned: how many this instance owns.
    func heir(owned: Int) -> String? {
        // Fresher than alive: whoever takes over from the dead must not hand it back to them.
        let loads = others.filter {
            $0.value.hasMoved && $0.value.still < lease / 2 && !$0.value.beat.isLeaving
        }
        .map { (name: $0.key, owned: $0.value.beat.owned + $0.value.promised) }
        guard let least = loads.min(by: { ($0.owned, $0.name) < ($1.owned, $1.name) }),
            owned - least.owned >= 2,
            !loads.contains(where: { $0.owned > owned || ($0.owned == owned && $0.name < instance) })
        else { return nil }
        return least.name
    }

    /// Counts with a partition that was handed over until the heir's own beat tells of it.
    mutating func promise(to heir: String) {
        guard let beat = others[heir]?.beat.beat else { return }
        others[heir]?.promised += 1
        others[heir]?.promisedAt = beat
    }
}
