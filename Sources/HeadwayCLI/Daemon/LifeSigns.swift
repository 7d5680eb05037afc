/// Whether everything that must move in a process still does: what feeds the watchdog, and what `/healthz` tells.
///
/// A part is a piece of work that counts its rounds, whatever comes of them: an outage of Redis is no reason to
/// restart anybody; a round that never ends is.
struct LifeSigns: Sendable, Equatable {
    /// The longest honest round, of a partition that is halted or whose Redis does not answer, takes half of this.
    static let usualPatience = Duration.seconds(15)
    /// A watchdog shorter than this may end a process that only waits for Redis.
    static let shortestWatchdog = usualPatience

    /// A part that stands still for longer is stuck.
    let patience: Duration

    private struct Part: Sendable, Equatable {
        var rounds: Int64
        var movedAt: Duration
    }
    private var parts: [String: Part] = [:]
    private var lookedAt: Duration

    /// - Parameter watchdog: of the service manager, when there is one: half of it is the patience, so that who is
    ///   stuck is not fed for long.
    init(at now: Duration, watchdog: Duration? = nil) {
        patience = watchdog.map { min($0 / 2, Self.usualPatience) } ?? Self.usualPatience
        lookedAt = now
    }

    /// How often to look: four times within the patience, and each second at least.
    var pause: Duration { min(.seconds(1), patience / 4) }

    /// Takes note of how many rounds each part has made. One that is not named any more stands still.
    mutating func look(_ rounds: [String: Int64], at now: Duration) {
        lookedAt = now
        for (name, count) in rounds where parts[name]?.rounds != count {
            parts[name] = Part(rounds: count, movedAt: now)
        }
    }

    /// What stands still, by name; a look that does not end is named as such.
    func stuck(at now: Duration) -> [String] {
        let still = parts.filter { now - $0.value.movedAt > patience }.keys.sorted()
        return now - lookedAt > patience && still.isEmpty ? ["the look itself"] : still
    }
}
