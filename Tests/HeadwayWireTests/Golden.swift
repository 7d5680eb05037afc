import HeadwayCore
import Testing

@testable import HeadwayWire

/// One example of docs/wire.md: its name, its text as the code writes it, and whether a text reads back as
/// the same value.
struct Golden: Sendable, CustomTestStringConvertible {
    let name: String
    let text: String
    let isReadBack: @Sendable (String) throws -> Bool

    var testDescription: String { name }

    /// The fenced blocks that follow a `<!-- golden: name -->` line.
    static func document() throws -> [String: String] {
        let page = String(decoding: try HeadwayWireTests.bytes(of: "docs/wire.md"), as: UTF8.self)
        var blocks: [String: String] = [:]
        var lines = page.split(separator: "\n", omittingEmptySubsequences: false)[...]
        while let line = lines.popFirst() {
            guard line.hasPrefix("<!-- golden: ") else { continue }
            let name = String(line.dropFirst(13).prefix { $0 != " " })
            try #require(lines.popFirst()?.hasPrefix("```") == true, "no block under \(name)")
            let block = lines.prefix { $0 != "```" }
            lines = lines.dropFirst(block.count + 1)
            #expect(blocks.updateValue(block.joined(separator: "\n"), forKey: name) == nil, "\(name) twice")
        }
        return blocks
    }

    /// One line per field, the name before the first space.
    static func fields(_ text: String) -> Fields {
        var fields: Fields = [:]
        for line in text.split(separator: "\n") {
            let name = line.prefix { $0 != " " }
            fields.pairs.append((Array(name.utf8), Array(line.dropFirst(name.count + 1).utf8)))
        }
        return fields
    }

    static func event(_ name: String, _ event: ProgressEvent) -> Golden {
        Golden(name: "event:\(name)", text: FieldBuffer(event.encode).description) {
            try ProgressEvent(fields: fields($0)) == event
        }
    }

    static func record(_ name: String, _ id: JobID, _ record: JobRecord) -> Golden {
        Golden(name: name, text: FieldBuffer(record.encode).description) {
            try JobRecord(id: id, job: fields($0), tombstone: nil) == record
        }
    }

    static func share(_ name: String, _ share: BulkShare) -> Golden {
        Golden(name: name, text: FieldBuffer(share.encode).description) {
            try BulkShare(id: share.id, fields: fields($0)) == share
        }
    }
}

extension Golden {
    private static let job = JobID(unchecked: "article-42")
    private static let bulk = BulkID(unchecked: "spring")
    private static let noon: Int64 = 1_785_585_600_000  // 2026-08-01T12:00:00Z

    private static func at(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: noon + seconds * 1000) }

    private static func sequence(_ id: Int64) -> ProgressEvent.Sequence {
        ProgressEvent.Sequence(source: "w7-5f3a9c", id: id)
    }

    static let all: [Golden] =
        events + states + [
            Golden(name: "tombstone", text: tombstone.text) {
                try JobRecord.Tombstone(text: $0) == tombstone
            },
            Golden(name: "timeline", text: timeline.map(\.text).joined(separator: "\n")) {
                try $0.split(separator: "\n").map { try TimelineEntry(text: String($0)) } == timeline
            },
            Golden(name: "changes", text: notice.text) { try ChangeNotice($0) == notice },
            Golden(name: "changes:many", text: manyNotice.text) { try ChangeNotice($0) == manyNotice },
            Golden(name: "control", text: FieldBuffer(control.encode).description) {
                try Control(fields: fields($0)) == control
            },
            Golden(name: "sources", text: "w7-5f3a9c \(mark.text)") {
                try SourceMark(text: String($0.dropFirst(10))) == mark
            },
            Golden(
                name: "durations",
                text: FieldBuffer { book.encode(book.sketches.keys.sorted(), into: &$0) }.description
            ) {
                DurationBook(fields: fields($0)) == book
            },
            Golden(
                name: "census",
                text: FieldBuffer { census.encode(census.counts.keys.sorted(), into: &$0) }.description
            ) {
                Census(fields: fields($0)) == census
            },
            Golden(name: "members", text: scores.map(\.text).joined(separator: "\n")) {
                $0.split(separator: "\n").map { MemberScore(String($0)) } == scores
            },
            Golden(name: "rejected", text: FieldBuffer(rejection.encode).description) {
                try Rejection(fields: fields($0)) == rejection
            },
            Golden(name: "config", text: FieldBuffer(config.encode).description) {
                try NamespaceConfig(fields: fields($0)) == config
            },
            Golden(name: "aggregators", text: "host-a:4711 \(beat.text)") {
                try InstanceBeat(text: String($0.dropFirst(12))) == beat
            },
            Golden(name: "pipelines", text: FieldBuffer(shelve).description) {
                PipelineShelf(fields: fields($0)).documents == shelf.documents
            },
            Golden(
                name: "partitions",
                text: ["article-42", "spring", "book:7", "A.b_c:d@e-f", "123456789"].map { id in
                    let checksum = CRC16.checksum(id.utf8)
                    return "\(id) \(checksum) \(checksum % 8)"
                }.joined(separator: "\n")
            ) { _ in true },
        ]

    private static let events: [Golden] = [
        event(
            "queued",
            ProgressEvent(
                job,
                .queued(
                    Registration(
                        pipeline: PipelineName(name: "article"), bulk: bulk, label: "Spring gardening",
                        weight: 2,
                        token: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                        attributes: ["mode": "topic"])), attempt: 1, sequence: sequence(1))),
        event("started", ProgressEvent(job, .started(worker: "w-7", nil), attempt: 1, sequence: sequence(2))),
        event(
            "stage",
            ProgressEvent(job, .stageStarted(StageMention("writing")), attempt: 1, sequence: sequence(3))),
        event("progress", progress),
        event(
            "percent",
            ProgressEvent(
                job,
                .stageProgressed(
                    StageMention("images", index: 2, of: 8), .fraction(Fraction(partsPerMillion: 333_333)),
                    substep: nil))),
        event(
            "substep",
            ProgressEvent(
                job, .stageProgressed(StageMention("writing"), .count(done: 1, total: 4), substep: "sections")
            )),
        event(
            "stage-completed",
            ProgressEvent(
                job, .stageCompleted(StageMention("writing"), checkpoint: #"{"section":3}"#), attempt: 1,
                sequence: sequence(9))),
        event(
            "completed",
            ProgressEvent(
                job, .completed(result: "clx123", message: "Published"), attempt: 1, sequence: sequence(12))),
        event(
            "failed",
            ProgressEvent(
                job, .failed(message: "The model is overloaded", code: "rate_limited", stage: "writing"),
                attempt: 1,
                sequence: sequence(12))),
        event("heartbeat", ProgressEvent(job, .heartbeat(worker: "w-7"), attempt: 1, sequence: sequence(10))),
        event("cancel-requested", ProgressEvent(job, .cancelRequested(message: "By its author"))),
        event("cancelled", ProgressEvent(job, .cancelled(message: nil), attempt: 1)),
        event("bulk-opened", ProgressEvent(bulk, .opened(total: 40, label: "Spring campaign"))),
        event("bulk-sealed", ProgressEvent(bulk, .sealed(total: nil))),
        event("bulk-cancel", ProgressEvent(bulk, .cancelRequested)),
        event("bulk-announced", ProgressEvent(bulk, .announced)),
        event("bulk-cancelling", ProgressEvent(bulk, .cancelling)),
        event("bulk-recount", ProgressEvent(bulk, .recount)),
        event(
            "bulk-settled",
            ProgressEvent(bulk, .settled(generation: 1, BulkCounts(completed: 38, failed: 1, cancelled: 1)))),
        event("bulk-reopened", ProgressEvent(bulk, .reopened(generation: 2))),
        event(
            "bulk-failing",
            ProgressEvent(
                bulk,
                .failing(
                    generation: 1,
                    BulkShare.Failing(
                        job: job, kind: BulkShare.FailureKind(code: "rate_limited", stage: "writing"))))),
    ]

    private static let progress: ProgressEvent = {
        var event = ProgressEvent(
            job,
            .stageProgressed(
                StageMention("writing", message: "Writing section 3"), .count(done: 5, total: 10),
                substep: nil),
            attempt: 1, sequence: sequence(4))
        event.time = at(74)
        event.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        return event
    }()

    private static let running: JobState = {
        let registration = Registration(
            pipeline: PipelineName(name: "article"), bulk: bulk, label: "Spring gardening", weight: 2,
            attributes: ["mode": "topic"])
        var state = JobState(
            id: job, registration: registration, pipeline: Pipeline.Reference(name: "article", revision: 3),
            at: at(0))
        state.status = .running
        state.worker = "w-7"
        state.position = JobState.Position(
            stage: "writing", attempt: 2, progress: .count(done: 5, total: 10), startedAt: at(60),
            usual: UsualDuration(median: .seconds(35), p95: .seconds(110)), halfAt: at(72))
        state.stages = [
            JobState.StageRecord(stage: "research", attempt: 1, phase: .completed),
            JobState.StageRecord(stage: "writing", attempt: 2, phase: .running),
        ]
        state.substeps = [JobState.Substep(id: "sections", progress: .count(done: 3, total: 6))]
        state.fraction = Fraction(partsPerMillion: 495_000)
        state.message = "Writing section 3"
        state.startedAt = at(1)
        state.updatedAt = at(74)
        state.aliveAt = at(74)
        state.movedAt = at(74)
        state.version = 17
        return state
    }()

    private static let failed: JobState = {
        var state = JobState(
            id: job, registration: Registration(pipeline: PipelineName(name: "book")),
            pipeline: Pipeline.Reference(name: "book", revision: 1), at: at(0))
        state.status = .failed
        state.health = .lost
        state.attempt = 3
        state.position = JobState.Position(
            stage: "CREATING_ARTWORK", index: 2, of: 8,
            progress: .fraction(Fraction(partsPerMillion: 333_333)),
            startedAt: at(60), indexStartedAt: at(150))
        state.stages = [
            JobState.StageRecord(stage: "ANALYZING", attempt: 1, phase: .completed),
            JobState.StageRecord(stage: "GENERATING_SCENES", attempt: 1, phase: .skipped),
            JobState.StageRecord(stage: "CREATING_ARTWORK", attempt: 1, phase: .running),
        ]
        state.fraction = Fraction(partsPerMillion: 583_333)
        state.failure = JobState.Failure(
            message: "The worker went silent", code: JobState.Failure.workerLost, stage: "CREATING_ARTWORK")
        state.checkpoint = "page-2"
        state.cancelRequestedAt = at(400)
        state.recoveries = 1
        state.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        state.startedAt = at(1)
        state.updatedAt = at(660)
        state.finishedAt = at(660)
        state.aliveAt = at(360)
        state.movedAt = at(300)
        state.version = 41
        return state
    }()

    private static let placeholder = JobRecord.Placeholder(
        held: [
            JobRecord.Placeholder.Held(
                event: ProgressEvent(
                    job, .stageStarted(StageMention("research")), attempt: 1, sequence: sequence(1)),
                at: at(0)),
            JobRecord.Placeholder.Held(
                event: ProgressEvent(
                    job,
                    .stageProgressed(
                        StageMention("research", message: "Reading 1/3"), .count(done: 1, total: 3),
                        substep: nil),
                    attempt: 1, sequence: sequence(2)), at: at(1)),
        ], since: at(0))

    private static let census = Census([
        .held: 1, .queued(pipeline: "article"): 12, .running(pipeline: "article", .ok): 4,
        .running(pipeline: "article", .stalled): 1,
    ])

    private static let book: DurationBook = {
        var book = DurationBook()
        for seconds in [31, 35, 36, 110] {
            book.add(.seconds(seconds), pipeline: "article", stage: "writing")
        }
        book.add(.milliseconds(480), pipeline: "article", stage: "writing", isHalf: true)
        book.add(.milliseconds(145_500), pipeline: "article", stage: nil)
        return book
    }()

    private static let memberShare: BulkShare = {
        var share = BulkShare(id: bulk, at: at(74))
        share.counts = BulkCounts(queued: 2, running: 7, completed: 12, failed: 1)
        share.weight = 23
        share.progress = 15_500_000
        share.health = [.ok: 6, .stalled: 1]
        share.stages = ["research": 3, "writing": 4]
        share.failures = [BulkShare.FailureKind(code: "rate_limited", stage: "writing"): 1]
        share.finishes = FinishRing(since: at(0), width: 10_000, counts: [0, 3, 1, 0, 0, 0, 5, 4])
        share.errands = [.announce, .failing]
        share.failing = BulkShare.Failing(
            job: job, kind: BulkShare.FailureKind(code: "rate_limited", stage: "writing"))
        share.version = 91
        return share
    }()

    private static let homeShare: BulkShare = {
        var share = BulkShare(id: bulk, at: at(900))
        share.counts = BulkCounts(completed: 12, failed: 1)
        share.weight = 13
        share.progress = 13_000_000
        share.failures = [BulkShare.FailureKind(code: "", stage: "writing"): 1]
        share.reopened = 1
        share.isCancelling = true
        share.settledGeneration = 2
        share.openGeneration = 2
        share.failureGeneration = 1
        share.version = 120
        var home = BulkShare.Home(createdAt: at(0))
        home.label = "Spring campaign"
        home.total = 40
        home.isSealed = true
        home.sealedAt = at(5)
        home.settlement = BulkShare.Settlement(
            generation: 2, counts: BulkCounts(completed: 38, failed: 1, cancelled: 1), at: at(900))
        home.failureGeneration = 1
        share.home = home
        return share
    }()

    private static let states: [Golden] = [
        record("job:running", job, .job(running)), record("job:failed", job, .job(failed)),
        record("job:placeholder", job, .placeholder(placeholder)), share("bulk", memberShare),
        share("bulk:home", homeShare),
    ]

    private static let tombstone = JobRecord.Tombstone(
        status: .failed, attempt: 2, version: 41, pipeline: Pipeline.Reference(name: "article", revision: 3),
        bulk: bulk, weight: 2, finishedAt: at(660), failureCode: "rate_limited", failureStage: "writing")

    private static let timeline = [
        TimelineEntry(at: at(0), kind: "created", attempt: 1),
        TimelineEntry(at: at(1), kind: "started", attempt: 1, detail: "w-7"),
        TimelineEntry(at: at(60), kind: "stage_started", attempt: 1, stage: "images", index: 2),
        TimelineEntry(
            at: at(660), kind: "failed", attempt: 1, stage: "images", index: 2, detail: "rate_limited"),
    ]

    private static let notice = ChangeNotice(
        epoch: "e7f3a901", commit: 1042,
        changes: [
            ChangeNotice.Change(.job(job), version: 17), ChangeNotice.Change(.bulk(bulk), version: 91),
        ])
    private static let manyNotice = ChangeNotice(epoch: "e7f3a901", commit: 1043, changes: .many)

    private static let control: Control = {
        var control = Control()
        control.owner = "host-a:4711"
        control.nonce = "c0ffee0123456789"
        control.fence = 12
        control.beat = 1042
        control.epoch = "e7f3a901"
        control.replicationID = "8371b4fb1155b71f4a04d3e1bc3e18c4a990aeeb"
        control.checkpoint = StreamID(ms: 1_785_585_674_000, seq: 3)
        control.commit = 1042
        control.watermark = at(74)
        control.silenceFloor = at(2)
        control.consumed = 250_118
        return control
    }()

    private static let mark = SourceMark(id: 4, at: at(74))

    private static let scores = JobState.Status.allCases.map { MemberScore($0, at: at(74)) }

    private static let rejection = Rejection(
        WireError(.malformed, "total", "is missing"), entry: StreamID(ms: 1_785_585_674_000, seq: 4),
        at: at(74),
        event: [
            "type": "stage.progressed", "subject": "article-42", "stage": "writing", "done": "5",
        ] as Fields)

    private static let config = NamespaceConfig(partitions: 8)
    private static let beat = InstanceBeat(
        beat: 731, owned: 4, commits: 5210, fenced: 1, duplicates: 37)

    private static let shelf: PipelineShelf = {
        var shelf = PipelineShelf()
        let json =
            #"{"name": "image", "stages": [{"id": "generate", "weight": 9}, {"id": "store", "weight": 1}]}"#
        if case .success(let document) = PipelineDocument.parse(Array(json.utf8), file: "", revision: 1) {
            _ = shelf.put(document)
        }
        return shelf
    }()

    private static func shelve(into buffer: inout FieldBuffer) {
        for document in shelf.documents.values { PipelineShelf.encode(document, into: &buffer) }
    }
}
