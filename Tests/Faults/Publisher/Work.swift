import Headway

/// One task's work: bulk after bulk, each with a few jobs.
struct Work {
    let headway: Headway
    let diary: Diary
    let name: String
    let pause: Duration
    var dice: Dice
    var count = 0

    init(headway: Headway, diary: Diary, name: String, pause: Duration, dice: Dice) {
        self.headway = headway
        self.diary = diary
        self.name = name
        self.pause = pause
        self.dice = dice
    }

    mutating func playBulk() async {
        count += 1
        let bulk = "\(name)-b\(count)"
        let size = 3 + dice.roll(6)
        let isCancelled = dice.roll(10) == 0
        let (headway, jobs) = (headway, (1...size).map { "\(bulk)-\($0)" })
        await diary.call("O", bulk, "\(size)") { _ = try await headway.openBulk(bulk, total: size) }
        if isCancelled {
            for job in jobs { await queue(job, in: bulk) }
            await diary.call("K", bulk) { try await headway.bulk(bulk).cancel() }
        }
        let sealsEarly = dice.roll(2) == 0
        if sealsEarly { await seal(bulk, size) }
        if !isCancelled {
            for job in jobs {
                if dice.roll(2) == 0 { await queue(job, in: bulk) }
                await play(job, in: bulk)
            }
        }
        if !sealsEarly { await seal(bulk, size) }
        // Beside it one job of a bulk that all publishers share and nobody opens, and one of no bulk.
        await play("\(bulk)-s", in: "shared-\(dice.roll(3))")
        await play("\(bulk)-n", in: nil)
    }

    private func seal(_ bulk: String, _ size: Int) async {
        let headway = headway
        await diary.call("L", bulk, "\(size)") { try await headway.bulk(bulk).seal(total: size) }
    }

    private func queue(_ job: String, in bulk: String) async {
        let headway = headway
        await diary.call("Q", job, bulk) { try await headway.queue(pipeline: "faults", id: job, in: bulk) }
    }

    private mutating func play(_ job: String, in bulk: String?) async {
        let seed = dice.next()
        var play = JobPlay(
            headway: headway, diary: diary, id: job, bulk: bulk, course: .drawn(&dice), pause: pause,
            dice: Dice(seed: seed))
        await play.run()
    }
}
