import Foundation
import HeadwayCore
import Testing

/// The table of docs/wire.md is the contract, so it is read and every cell is tried.
@Suite("The table of docs/wire.md")
struct WireTableTests {
    /// The states that are its columns. The job is in its second attempt of three, in the middle of b.
    static let states: [(name: String, record: JobRecord)] = {
        func second(_ words: JobWord...) -> JobRecord {
            var record = JobRecord.unknown
            record.hear(.queued(Pipeline.plain.registration()))
            record.hear(.works, attempt: 2)
            for word in [.begins(stage("a")), .tells(stage("b"), percent: 50)] + words { record.hear(word) }
            return record
        }
        var placeholder = JobRecord.unknown
        placeholder.hear(.begins(stage("a")))
        var queued = JobRecord.unknown
        queued.hear(.queued(Pipeline.plain.registration()), attempt: 2)
        var lost = second()
        _ = lost.fire(jobID, at: noon.after(600), catalog: catalog)
        return [
            ("unknown", .unknown), ("placeholder", placeholder), ("queued", queued), ("running", second()),
            ("worker_lost", lost), ("completed", second(.done)), ("failed", second(.breaks)),
            ("cancelled", second(.cancelled(message: nil))), ("expired", second(.breaks).buried),
        ]
    }()

    static let lifeWords: [JobWord] = [
        .begins(stage("b")), .tells(stage("b"), percent: 60), .ends(stage("b")), .done, .breaks,
        .cancelRequested(message: nil), .cancelled(message: nil), .beats,
    ]

    /// The words that are its rows; each must do what the cell says.
    static let words: [(name: String, events: [ProgressEvent])] = {
        let known = Pipeline.plain.registration(label: "Label")
        let start = JobWord.started(worker: "w-2", nil)
        let full = JobWord.started(worker: "w-2", known)
        return [
            ("`job.queued`", [say(.queued(known)), say(.queued(known), attempt: 2)]),
            ("`job.queued`, higher attempt", [say(.queued(known), attempt: 3)]),
            ("`job.started` with a pipeline", [say(full, attempt: 2)]),
            ("`job.started`", [say(start, attempt: 2)]),
            ("`job.started`, no attempt", [say(start)]),
            ("`job.started`, higher attempt", [say(start, attempt: 3)]),
            ("`stage.started`", [say(.begins(stage("c"))), say(.begins(stage("c")), attempt: 2)]),
            ("`stage.progressed`", [say(.tells(stage("b"), percent: 60), attempt: 2)]),
            ("`stage.completed`", [say(.ends(stage("b")), attempt: 2)]),
            ("`job.completed`", [say(.done), say(.done, attempt: 2)]),
            ("`job.failed`", [say(.breaks), say(.breaks, attempt: 2)]),
            ("`job.cancelRequested`", [say(.cancelRequested(message: nil), attempt: 2)]),
            ("`job.cancelled`", [say(.cancelled(message: nil), attempt: 2)]),
            ("`job.heartbeat`", [say(.beats), say(.beats, attempt: 2)]),
            ("`stage.*`, higher attempt", lifeWords.prefix(3).map { say($0, attempt: 3) }),
            ("`job.cancelRequested`, higher attempt", [say(.cancelRequested(message: nil), attempt: 3)]),
            ("`job.heartbeat`, higher attempt", [say(.beats, attempt: 3)]),
            ("any of these, lower attempt", lifeWords.map { say($0, attempt: 1) } + [say(start, attempt: 1)]),
            (
                "any of these, above `maxAttempts`",
                lifeWords.map { say($0, attempt: 4) } + [say(start, attempt: 4)]
            ),
        ]
    }()

    static func name(_ record: JobRecord) -> String {
        switch record {
        case .unknown: "unknown"
        case .placeholder: "placeholder"
        case .expired: "expired"
        case .job(let job):
            job.failure?.code == JobState.Failure.workerLost ? "worker_lost" : job.status.rawValue
        }
    }

    static func cell(_ before: JobRecord, _ event: ProgressEvent) -> String {
        let (record, outcome) = before.after(event, at: noon.after(601))
        let (verdict, old, new) = (name(outcome.verdict), name(before), name(record))
        return old == new ? verdict : "\(verdict) → \(new)"
    }

    @Test("says what the fold does with every word of a job in every state")
    func jobs() throws {
        let table = try WireTable(under: "### Words about a job")
        #expect(table.columns == Self.states.map(\.name))
        #expect(table.rows.map(\.name) == Self.words.map(\.name))
        for (row, word) in zip(table.rows, Self.words) {
            for ((cell, state), event) in zip(row.cells, Self.states).flatMap({ pair in
                word.events.map { (pair, $0) }
            }) {
                let does = Self.cell(state.record, event)
                #expect(does == cell, "\(word.name), \(state.name), attempt \(event.attempt ?? 0)")
            }
        }
    }

    /// The shares that are the columns of the second table: one member, and a bulk of 20 or of 1.
    static let shares: [(name: String, share: BulkShare, isHome: Bool)] = {
        func share(isHome: Bool, _ words: [BulkWord], ended: Bool = false) -> BulkShare {
            var share = BulkShare(id: spring, at: noon)
            var record = JobRecord(Pipeline.plain, .works)
            var job = record.job.map { BulkContribution($0) }
            share.move(from: nil, to: job, isHome: isHome, at: noon)
            if ended {
                let old = job
                record.hear(.done)
                job = record.job.map { BulkContribution($0) }
                share.move(from: old, to: job, isHome: isHome, at: noon)
            }
            for word in words { _ = share.apply(word, isHome: isHome, at: noon) }
            share.finishErrands([.announce, .settle, .cancel, .reopen])
            return share
        }
        let sums = BulkCounts(completed: 1)
        return [
            ("home, new", BulkShare(id: spring, at: noon), true),
            ("home, open", share(isHome: true, [.opened(total: 10, label: nil)]), true),
            ("home, sealed", share(isHome: true, [.sealed(total: 10)]), true),
            (
                "home, settled",
                share(isHome: true, [.sealed(total: 10), .settled(generation: 1, sums)], ended: true), true
            ),
            ("other, open", share(isHome: false, []), false),
            ("other, ended", share(isHome: false, [], ended: true), false),
            ("other, settled", share(isHome: false, [.settled(generation: 1, sums)], ended: true), false),
        ]
    }()

    static let bulkWords: [(name: String, word: BulkWord)] = [
        ("`bulk.opened`", .opened(total: nil, label: nil)),
        ("`bulk.opened`, total 5", .opened(total: 5, label: nil)),
        ("`bulk.opened`, total 10", .opened(total: 10, label: nil)),
        ("`bulk.opened`, total 20", .opened(total: 20, label: nil)),
        ("`bulk.sealed`", .sealed(total: nil)), ("`bulk.sealed`, total 10", .sealed(total: 10)),
        ("`bulk.sealed`, total 20", .sealed(total: 20)), ("`bulk.cancelRequested`", .cancelRequested),
        ("announced", .announced), ("cancelling", .cancelling),
        ("settled, generation 1", .settled(generation: 1, BulkCounts(completed: 1))),
        ("settled, generation 2", .settled(generation: 2, BulkCounts(completed: 1))),
        ("reopened, generation 1", .reopened(generation: 1)),
        ("reopened, generation 2", .reopened(generation: 2)),
        (
            "failing",
            .failing(
                generation: 1,
                BulkShare.Failing(
                    job: JobID(unchecked: "a"), kind: BulkShare.FailureKind(code: "", stage: "")))
        ),
    ]

    @Test("says what a share does with every word about its bulk")
    func bulks() throws {
        let table = try WireTable(under: "### Words about a bulk")
        #expect(table.columns == Self.shares.map(\.name))
        #expect(table.rows.map(\.name) == Self.bulkWords.map(\.name))
        for (row, word) in zip(table.rows, Self.bulkWords) {
            for (cell, state) in zip(row.cells, Self.shares) {
                var share = state.share
                let verdict = share.apply(word.word, isHome: state.isHome, at: noon)
                #expect(Self.name(verdict) == cell, "\(word.name), \(state.name)")
                if verdict != .applied { #expect(share == state.share) }
            }
        }
    }

    static func name(_ verdict: Verdict) -> String {
        switch verdict {
        case .applied: "applied"
        case .unchanged: "unchanged"
        case .held: "held"
        case .refused(let reason): "`\(reason.rawValue)`"
        }
    }
}

/// The first Markdown table under a heading of docs/wire.md.
struct WireTable {
    let columns: [String]
    let rows: [(name: String, cells: [String])]

    init(under heading: String) throws {
        let house = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = try String(contentsOf: house.appending(path: "docs/wire.md"), encoding: .utf8)
        let lines = page.split(separator: "\n", omittingEmptySubsequences: false).drop { $0 != heading }
        let table = lines.drop { !$0.hasPrefix("|") }.prefix { $0.hasPrefix("|") }.map { line in
            line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast()
                .map { $0.trimmingCharacters(in: .whitespaces) }
        }
        let header = try #require(table.first, "no table under \(heading)")
        columns = Array(header.dropFirst())
        rows = table.dropFirst(2).map { ($0[0], Array($0.dropFirst())) }
        for row in rows { try #require(row.cells.count == columns.count, "\(row.name)") }
    }
}
