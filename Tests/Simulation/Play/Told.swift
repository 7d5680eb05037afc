/// One job as its worker's calls make it, in order: the oracle's own arithmetic, which shares nothing with the fold.
///
/// `@unchecked Sendable`, proof: as ``World``.
final class Told: @unchecked Sendable {
    /// Parts of a million.
    static let ranges: [String: (Int, Int)] = [
        "fetch": (0, 200_000), "draw": (200_000, 800_000), "proof": (800_000, 900_000),
        "store": (900_000, 1_000_000),
    ]
    static let order = ["fetch", "draw", "proof", "store"]
    static let optional: Set<String> = ["proof"]

    let id: String
    var bulk: String?
    var status = "queued"
    var attempt = 1
    var timeline = ["created;1;;"]
    /// Calls, which is more than changes.
    var words = 1
    var fraction = 0
    var stage: String?
    var index: Int?
    var of: Int?
    var states: [String: Character] = [:]
    var result: String?
    var error: String?
    var code: String?
    var message: String?

    /// Who said the last word, and which of its lives said it.
    weak var speaker: Process?
    /// A process that spoke of it was killed: what it said last may never have got through.
    var isTorn = false
    /// A word of it was taken away unread: nobody can know what it is.
    var isTainted = false
    /// Redis had acknowledged its end before its worker was killed.
    var wasStored = false
    /// How often Redis had fallen back when its end was said.
    var fallsAtEnd = 0

    init(_ id: String) { self.id = id }

    var hasEnded: Bool { status != "queued" && status != "running" }

    private func reset() {
        (fraction, stage, index, of, states) = (0, nil, nil, nil, [:])
        (result, error, code, message) = (nil, nil, nil, nil)
    }

    private func note(_ kind: String, _ stage: String = "", _ index: Int? = nil) {
        timeline.append("\(kind);\(attempt);\(stage);\(index.map(String.init) ?? "")")
    }

    /// - Parameter share: of the stage or index, as done of total.
    private func reach(_ done: Int, _ total: Int) {
        guard let stage, let (low, high) = Self.ranges[stage] else { return }
        var (top, bottom) = (done, total)
        if let index, let of { (top, bottom) = ((index - 1) * total + done, of * total) }
        fraction = max(fraction, min(990_000, low + (high - low) * top / bottom))
    }

    func queue(in bulk: String?) { self.bulk = bulk }

    func start(in bulk: String?, attempt: Int) {
        wasStored = false
        self.bulk = self.bulk ?? bulk
        if attempt > self.attempt {
            self.attempt = attempt
            reset()
        }
        status = "running"
        words += 1
        note("started")
    }

    func begin(_ name: String, _ index: Int?, _ of: Int?) {
        words += 1
        if name != stage {
            let place = Self.order.firstIndex(of: name) ?? 0
            let current = stage.flatMap { Self.order.firstIndex(of: $0) }
            if let current, place < current {
                for later in Self.order[place...] where states[later] == "c" {
                    states[later] = "w"
                    note("stage_withdrawn", later)
                }
            } else {
                for passed in Self.order[(current.map { $0 + 1 } ?? 0)..<place]
                where !Self.optional.contains(passed) && states[passed] != "c" {
                    states[passed] = "s"
                    note("stage_skipped", passed)
                }
            }
            states[name] = "r"
            stage = name
            note("stage_started", name, index)
        } else if index != self.index {
            note("stage_started", name, index)
        }
        (self.index, self.of, message) = (index, of, nil)
        reach(0, 1)
    }

    func report(_ done: Int, _ total: Int, _ message: String) {
        words += 1
        self.message = message
        reach(done, total)
    }

    func completeStage() {
        words += 1
        reach(1, 1)
        note("stage_completed", stage ?? "", index != of ? index : nil)
        if index == of, let stage { states[stage] = "c" }
    }

    func end(_ status: String) {
        words += 1
        self.status = status
        if status == "completed" { fraction = 1_000_000 }
        note(status, status == "failed" ? stage ?? "" : "")
    }

    func stages(_ letter: Character) -> [String] { Self.order.filter { states[$0] == letter } }
}

/// What was said of a bulk.
final class ToldBulk {
    let id: String
    var members: [Told] = []
    var total: Int?
    var isSealed = false
    var isCancelled = false
    /// Somebody who spoke of it was killed: it is said again at the end.
    var isTorn = false
    var isTainted = false

    init(_ id: String) { self.id = id }
}

/// What all workers said: the only thing that the oracle believes.
final class Ledger {
    private(set) var jobs: [String: Told] = [:]
    private(set) var bulks: [String: ToldBulk] = [:]
    /// How often Redis fell back to an earlier state.
    var falls = 0

    func job(_ id: String) -> Told {
        if let told = jobs[id] { return told }
        let told = Told(id)
        jobs[id] = told
        return told
    }

    func bulk(_ id: String) -> ToldBulk {
        if let told = bulks[id] { return told }
        let told = ToldBulk(id)
        bulks[id] = told
        return told
    }

    /// Joins once, with the first bulk that it names.
    func enter(_ told: Told) {
        guard let bulk = told.bulk else { return }
        let members = self.bulk(bulk)
        if !members.members.contains(where: { $0 === told }) { members.members.append(told) }
    }

    /// Words of a killed worker may come late, or behind those of the next one.
    func mayBeRefused(_ subject: String) -> Bool { jobs[subject]?.isTorn ?? bulks[subject]?.isTorn ?? true }

    /// The process was killed.
    ///
    /// - Parameter isStored: whether Redis had acknowledged all that it said.
    func tear(_ process: Process, isStored: Bool) {
        for told in jobs.values where told.speaker === process {
            told.isTorn = true
            told.wasStored = isStored && told.hasEnded
            if let bulk = told.bulk { bulks[bulk]?.isTorn = true }
        }
    }

    /// A word about it was taken away unread.
    func taint(_ subject: String) {
        for told in [jobs[subject]].compactMap(\.self) {
            (told.isTainted, told.isTorn) = (true, true)
            if let bulk = told.bulk { bulks[bulk]?.isTainted = true }
        }
        if let bulk = bulks[subject] {
            (bulk.isTainted, bulk.isTorn) = (true, true)
            for told in bulk.members { (told.isTainted, told.isTorn) = (true, true) }
        }
    }

    /// What cancelled bulks do to members that wait.
    func settleCancels() {
        for bulk in bulks.values where bulk.isCancelled {
            for told in bulk.members where told.status == "queued" { told.end("cancelled") }
        }
    }
}
