/// Plays a bulk to its end many times over: running members end, each worker that is free takes the next that
/// waits, until all are done.
///
/// Nothing is drawn by chance: over all plays every duration takes each of ``plays`` evenly spaced values of its
/// distribution once, in an order of its own.
struct Rehearsal {
    let end: Spread

    static let plays = 32
    /// Beyond this the queue is a flow: how its members fall on the workers makes no difference any more.
    static let longestQueue = 64
    static let mostWorkers = 64

    /// - Parameters:
    ///   - ends: when running members will have ended.
    ///   - unseen: running members of which nothing is known but that they run.
    ///   - waiting: members that wait, in units of an average one.
    init(ends: [Spread], unseen: Int, waiting: Double, speed: Speed) {
        let workers = ends.count + unseen
        // What a job takes here and now, by the rate: pauses between jobs are part of it.
        let pace = speed.job.mean > 0 ? Double(workers) / (speed.rate * speed.job.mean) : 1
        let isFlow = waiting > Double(Self.longestQueue) || workers > Self.mostWorkers
        let flowing = isFlow ? max(waiting - Double(Self.longestQueue), 0) : 0
        let queued = Int((waiting - flowing).rounded(.up))
        let each = queued > 0 ? (waiting - flowing) / Double(queued) : 1
        let doubt = speed.variance.squareRoot() * 1.44
        let played = min(workers, Self.mostWorkers)
        let crowd = Double(workers) / Double(played)
        var results: [Double] = []
        results.reserveCapacity(Self.plays)
        for play in 0..<Self.plays {
            var draw = Draw(play)
            let luck = Octaves.value(doubt * draw.logistic())
            let flow = flowing / speed.rate * luck
            var free: [Double] = []
            free.reserveCapacity(played)
            for end in ends.prefix(played) { free.append(end.value(draw.logistic())) }
            while free.count < played { free.append(speed.rest(draw.share()) * luck) }
            var last = free.max() ?? 0
            if flowing > 0 { free = free.map { flow + min($0, speed.rest(draw.share()) * luck) } }
            for _ in 0..<Int((Double(queued) / crowd).rounded(.up)) {
                let next = free.indices.min { free[$0] < free[$1] } ?? 0
                free[next] += speed.length(draw.share()) * pace * each * luck
                last = max(last, free[next])
            }
            results.append(max(last, free.max() ?? 0))
        }
        end = Self.middle(of: results)
    }

    /// When the last of several has ended.
    static func end(of ends: [Spread]) -> Spread {
        guard ends.count > 1 else { return ends.first ?? .zero }
        return middle(
            of: (0..<plays).map { play in
                var draw = Draw(play)
                return ends.reduce(0) { max($0, $1.value(draw.logistic())) }
            })
    }

    private static func middle(of results: [Double]) -> Spread {
        let sorted = results.sorted()
        let median = (sorted[plays / 2 - 1] + sorted[plays / 2]) / 2
        let high = sorted[plays * 9 / 10]
        return Spread(mean: median, variance: 0, gap: 0, reach: max(high - median, 0))
    }
}

/// The values that one play takes.
private struct Draw {
    private let play: Int
    private var turn: UInt64 = 0

    init(_ play: Int) { self.play = play }

    /// 0 to 1: over all plays evenly spaced, in an order that differs from turn to turn.
    mutating func share() -> Double {
        turn &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (turn ^ (turn >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed ^= mixed >> 27
        let place = (play &* Int(mixed & 0xFFFF | 1) &+ Int(mixed >> 32 & 0xFFFF)) % Rehearsal.plays
        // The lowest bits of a product of odd numbers follow a pattern.
        return (Double(place ^ Int(mixed >> 50 & 31)) + 0.5) / Double(Rehearsal.plays)
    }

    /// Of a logistic distribution about as wide as a normal one of deviation 1.
    mutating func logistic() -> Double {
        let share = share()
        return 0.4 * Octaves.of(share / (1 - share))
    }
}

extension Spread {
    /// At so many deviations from the median, on the scale of ``Octaves``.
    fileprivate func value(_ deviations: Double) -> Double {
        Octaves.value(Octaves.of(max(median, 0.001)) + octaves * deviations)
    }
}

extension Speed {
    /// How long a job takes that is longer than `share` of all.
    fileprivate func length(_ share: Double) -> Double {
        table?.length(share) ?? job.mean * (0.5 + share)
    }

    /// What is left of a job that is seen running, where `share` of such have less left.
    fileprivate func rest(_ share: Double) -> Double { table?.rest(share) ?? job.mean * share }
}
