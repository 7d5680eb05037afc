/// All that decides a run.
struct Settings: Sendable, Equatable {
    var seed: UInt64
    /// Steps with faults; then everything is put right and must become what it should be.
    var steps = 20_000
    /// What may happen; nil draws some of all kinds.
    var faults: [Fault]?
    /// After so many nothing more happens.
    var faultLimit = Int.max
    /// Nil draws.
    var partitions: Int?
    var aggregators: Int?
    var workers: Int?
    /// How many jobs a worker has at a time.
    var hands: Int?
    var hasReader = true
    /// Whether what has ended expires while the world lasts; nil draws.
    var expires: Bool?
    var isTracing = false
    /// How much of the end of a failing run is shown.
    var lastWords = 120

    /// Whether a restart or a follower may come up with less than there was.
    var fallsBack: Bool {
        (faults ?? Fault.harmless).contains { $0 == .redisLosesTail || $0 == .followerPromoted }
    }

    /// Whether words may be lost for good.
    var isLossy: Bool { faults?.contains(.entryRemoved) ?? false }

    /// As the command line takes it.
    var text: String {
        var words = ["--seed \(seed)", "--steps \(steps)"]
        if let faults {
            words.append(
                "--faults \(faults.isEmpty ? "none" : faults.map(\.rawValue).joined(separator: ","))")
        }
        if faultLimit < .max { words.append("--fault-limit \(faultLimit)") }
        if let partitions { words.append("--partitions \(partitions)") }
        if let aggregators { words.append("--aggregators \(aggregators)") }
        if let workers { words.append("--workers \(workers)") }
        if let hands { words.append("--hands \(hands)") }
        if let expires { words.append(expires ? "--expires" : "--keeps") }
        if !hasReader { words.append("--no-reader") }
        return words.joined(separator: " ")
    }
}

/// What may happen.
enum Fault: String, CaseIterable, Sendable {
    case connectionCut, replyHalved, replyLost, deliveredLate, slowLine
    case aggregatorKilled, aggregatorFrozen, aggregatorRestarted
    case workerKilled, workerFrozen
    case readerKilled, messageLost
    case redisRestarted, redisLosesTail, followerPromoted, redisFrozen, clientsKilled
    case clockSet, memoryFull
    /// Takes away what nobody has read: only where it is asked for, because nothing can make that good.
    case entryRemoved

    static let harmless = allCases.filter { $0 != .entryRemoved }
}
