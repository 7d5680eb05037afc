import EventLoop
import Headway

/// What a worker does: bulk after bulk, each with a few jobs, every call written down before it is made.
struct Play: Sendable {
    static let heartbeat = Duration.seconds(3)
    static let lostAfter = Duration.seconds(20)

    /// - Parameter expires: what has ended soon expires.
    static func pipeline(expires: Bool) -> String {
        """
        {"name": "sim", "maxAttempts": 1000, "heartbeat": "3s", "stallAfter": "12s", "lostAfter": "20s",
         "retention": {"finished": "\(expires ? "5s" : "24h")"},
         "stages": [{"id": "fetch", "range": [0, 20]}, {"id": "draw", "range": [20, 80], "indexed": true},
          {"id": "proof", "range": [80, 90], "optional": true}, {"id": "store", "range": [90, 100]}]}
        """
    }

    /// The process was killed: nothing that it would do now matters.
    struct Killed: Error {}

    struct Mishap: PublicError {
        let publicMessage = "Paper jam"
        let publicCode: String? = "jam"
    }

    let world: World
    let worker: Worker
    let process: Process
    let headway: Headway
    var dice: Dice

    /// Notes what is about to be said, and says it.
    private func say<Result: Sendable>(
        _ what: String, of subject: String, _ note: () -> Void, _ body: () async throws -> Result
    ) async throws -> Result {
        if process.isDead { throw Killed() }
        world.note("\(process.name) says \(what) of \(subject)")
        note()
        do {
            return try await body()
        } catch {
            if process.isDead { throw Killed() }
            if !(error is Mishap) {
                world.fail("\(process.name): \(what) of \(subject) was refused: \(error)")
            }
            throw error
        }
    }

    private func told(_ id: String) -> Told {
        let told = world.ledger.job(id)
        told.speaker = process
        return told
    }

    private func rest(_ low: Duration, _ high: Duration) async throws {
        var dice = dice
        try? await process.loop.sleep(for: dice.time(low, high))
        if process.isDead { throw Killed() }
    }

    // MARK: Bulks

    /// - Parameter name: unlike any other.
    mutating func bulk(_ name: String) async throws {
        let size = 2 + dice.roll(4)
        let isCancelled = dice.hits(oneIn: 8)
        let jobs = (1...size).map { "\(name)-\($0)" }
        try await open(name, size)
        if isCancelled {
            for job in jobs { try await queue(job, in: name) }
            try await cancel(name)
        }
        let sealsEarly = dice.hits(oneIn: 2)
        if sealsEarly { try await seal(name, size) }
        if !isCancelled {
            for job in jobs {
                if dice.hits(oneIn: 2) { try await queue(job, in: name) }
                try await playJob(job, in: name)
            }
        }
        if !sealsEarly { try await seal(name, size) }
        if dice.hits(oneIn: 2) { try await playJob("\(name)-s", in: "shared-\(dice.roll(2))") }
        if dice.hits(oneIn: 3) { try await playJob("\(name)-n", in: nil) }
    }

    func open(_ bulk: String, _ size: Int) async throws {
        let told = world.ledger.bulk(bulk)
        if told.total == nil { worker.bulks.append(bulk) }
        _ = try await say("open", of: bulk, { told.total = size }) {
            try await headway.openBulk(bulk, total: size)
        }
    }

    func seal(_ bulk: String, _ size: Int) async throws {
        let told = world.ledger.bulk(bulk)
        try await say("seal", of: bulk, { told.isSealed = true }) {
            try await headway.bulk(bulk).seal(total: size)
        }
    }

    func cancel(_ bulk: String) async throws {
        let told = world.ledger.bulk(bulk)
        try await say("cancel", of: bulk, { told.isCancelled = true }) {
            try await headway.bulk(bulk).cancel()
        }
    }

    func queue(_ job: String, in bulk: String) async throws {
        let told = told(job)
        let ledger = world.ledger
        try await say(
            "queue", of: job,
            {
                told.queue(in: bulk); ledger.enter(told)
            }
        ) {
            try await headway.queue(pipeline: "sim", id: job, in: bulk)
        }
    }

    // MARK: Jobs

    mutating func playJob(_ id: String, in bulk: String?) async throws {
        worker.open.insert(id)
        switch dice.roll(20) {
        case 0..<9: try await attempt(1, of: id, in: bulk, ["fetch", "draw", "proof", "store"], "completed")
        case 9, 10, 11: try await attempt(1, of: id, in: bulk, ["fetch", "store"], "completed")
        case 12, 13:
            try await attempt(1, of: id, in: bulk, ["fetch", "draw", "fetch", "draw", "store"], "completed")
        case 14: try await attempt(1, of: id, in: bulk, ["fetch", "draw"], "failed")
        case 15: try await attempt(1, of: id, in: bulk, ["fetch", "draw!"], "")
        case 16, 17, 18:
            try await attempt(1, of: id, in: bulk, ["fetch", "draw!"], "")
            try await attempt(2, of: id, in: bulk, ["fetch", "draw", "store"], "completed")
        default: try await attempt(1, of: id, in: bulk, ["fetch"], "cancelled")
        }
        worker.open.remove(id)
    }

    /// A job whose worker was killed, anew.
    mutating func again(_ id: String) async throws {
        let known = world.ledger.job(id)
        try await attempt(known.attempt + 1, of: id, in: known.bulk, ["fetch", "store"], "completed")
        worker.open.remove(id)
    }

    private mutating func attempt(
        _ number: Int, of id: String, in bulk: String?, _ stages: [String], _ end: String
    ) async throws {
        let (headway, ledger) = (headway, world.ledger)
        let told = told(id)
        let job = try await say(
            "start \(number)", of: id,
            {
                told.start(in: bulk, attempt: number)
                ledger.enter(told)
            }
        ) { try await headway.start(pipeline: "sim", id: id, in: bulk, attempt: number) }
        for stage in stages {
            if stage == "draw" {
                let of = 2 * (1 + dice.roll(2))
                for index in 1...of { try await play(stage, index, of, told, job) }
            } else {
                try await play(stage, nil, nil, told, job)
            }
        }
        let falls = ledger.falls
        told.fallsAtEnd = falls
        switch end {
        case "completed":
            try await say(
                end, of: id,
                {
                    told.result = "made-\(id)"
                    told.end(end)
                }
            ) { try await job.complete(result: "made-\(id)") }
        case "failed":
            try await say(
                end, of: id,
                {
                    (told.error, told.code) = ("Out of paper", "paper")
                    told.end(end)
                }
            ) { try await job.fail("Out of paper", code: "paper") }
        case "cancelled": try await say(end, of: id, { told.end(end) }) { try await job.cancelled() }
        default: break
        }
    }

    private mutating func play(
        _ name: String, _ index: Int?, _ of: Int?, _ told: Told, _ job: Job<AnyPipeline>
    ) async throws {
        let fails = name.hasSuffix("!")
        let stage = fails ? String(name.dropLast()) : name
        let total = 5
        let last = fails ? 1 + dice.roll(4) : total - dice.roll(3)
        let (place, count) = fails ? (1, 2) : (index, of)
        // Once in a while it takes so long that silence would be noticed.
        let longest: Duration =
            dice.hits(oneIn: 12) ? .seconds(6) : .milliseconds(dice.hits(oneIn: 3) ? 400 : 40)
        var pauses = dice
        dice = Dice(seed: dice.next())
        do {
            try await say("stage \(stage)", of: told.id, { told.begin(stage, place, count) }) {
                try await job.run(StageName(stage), index: place, of: count) { [process, world] handle in
                    for done in 1...last {
                        if process.isDead { throw Killed() }
                        told.report(done, total, "\(stage) \(done) of \(total)")
                        handle.report(done, of: total, "\(stage) \(done) of \(total)")
                        try? await process.loop.sleep(for: pauses.time(.zero, longest))
                    }
                    if process.isDead { throw Killed() }
                    if fails {
                        told.fallsAtEnd = world.ledger.falls
                        (told.error, told.code) = ("Paper jam", "jam")
                        told.end("failed")
                        throw Mishap()
                    }
                    told.completeStage()
                }
            }
        } catch is Mishap {}
    }
}
