import Headway

/// One job, played from its first word to its last, and written down as it goes.
struct JobPlay {
    enum Course: CaseIterable {
        case plain, skipping, goingBack, failing, failingInStage, retried, cancelled

        static func drawn(_ dice: inout Dice) -> Course {
            switch dice.roll(20) {
            case 0..<10: .plain
            case 10, 11: .skipping
            case 12, 13: .goingBack
            case 14: .failing
            case 15: .failingInStage
            case 16, 17, 18: .retried
            default: .cancelled
            }
        }
    }

    struct Mishap: PublicError {
        let publicMessage: String
        let publicCode: String?
    }

    let headway: Headway
    let diary: Diary
    let id: String
    let bulk: String?
    let course: Course
    /// Between two reports.
    let pause: Duration
    var dice: Dice

    mutating func run() async {
        switch course {
        case .plain: await attempt(1, ["fetch", "draw", "proof", "store"], "C")
        case .skipping: await attempt(1, ["fetch", "store"], "C")
        case .goingBack: await attempt(1, ["fetch", "draw", "fetch", "draw", "store"], "C")
        case .failing: await attempt(1, ["fetch", "draw"], "F")
        case .failingInStage: await attempt(1, ["fetch", "draw!"], "")
        case .retried:
            await attempt(1, ["fetch", "draw!"], "")
            await attempt(2, ["fetch", "draw", "store"], "C")
        case .cancelled: await attempt(1, ["fetch"], "X")
        }
    }

    private mutating func attempt(_ number: Int, _ stages: [String], _ end: String) async {
        let (headway, id, bulk) = (headway, id, bulk)
        let started = await diary.call("S", id, bulk ?? "-", "\(number)") {
            try await headway.start(pipeline: "faults", id: id, in: bulk, attempt: number)
        }
        guard let job = started else { return }
        for stage in stages {
            if stage == "draw" {
                let of = 2 * (1 + dice.roll(2))
                for index in 1...of { await play(stage, index, of, in: job) }
            } else {
                await play(stage, nil, nil, in: job)
            }
        }
        switch end {
        case "C":
            await diary.call("C", id, "made-\(id)") { try await job.complete(result: "made-\(id)") }
        case "F":
            await diary.call("F", id, "Out of paper", "paper") {
                try await job.fail("Out of paper", code: "paper")
            }
        case "X": await diary.call("X", id) { try await job.cancelled() }
        default: break
        }
    }

    private mutating func play(_ name: String, _ index: Int?, _ of: Int?, in job: Job<AnyPipeline>) async {
        let fails = name.hasSuffix("!")
        let stage = fails ? String(name.dropLast()) : name
        let total = 5
        let last = fails ? 1 + dice.roll(4) : total - dice.roll(3)
        let (diary, id, pause) = (diary, id, pause)
        let (place, count) = fails ? (1, 2) : (index, of)
        diary.note("B", id, stage, place.map(String.init) ?? "-", count.map(String.init) ?? "-")
        do {
            try await job.run(StageName(stage), index: place, of: count) { handle in
                diary.note("+", id, "B")
                for done in 1...last {
                    let message = "\(stage) \(done) of \(total)"
                    diary.note("R", id, "\(done)", "\(total)", message)
                    handle.report(done, of: total, message)
                    try? await Task.sleep(for: pause)
                }
                if fails {
                    diary.note("F", id, "Paper jam", "jam", stage)
                    throw Mishap(publicMessage: "Paper jam", publicCode: "jam")
                }
                diary.note("E", id)
            }
            diary.note("+", id, "E")
        } catch let mishap as Mishap {
            diary.note("+", id, "F", mishap.publicMessage)
        } catch {
            diary.note("!", id, "B", "\(error)".replacing("\n", with: " "))
        }
    }
}
