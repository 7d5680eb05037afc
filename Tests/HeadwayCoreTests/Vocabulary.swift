import HeadwayCore

/// Everything that can be said of the job, each word complete: it names its attempt, stage attempt and index.
struct Vocabulary {
    let events: [ProgressEvent]

    init(_ pipeline: Pipeline) {
        var words: [(JobWord, attempts: ClosedRange<Int>)] = [
            (.queued(pipeline.registration()), 1...2),
            (.queued(pipeline.registration(bulk: spring, label: "Label", weight: 5)), 1...1),
            (.queued(pipeline.registration(bulk: autumn, token: "t", attributes: ["k": "v"])), 1...1),
            (.started(worker: "w-1", nil), 1...4),
            (.started(worker: "w-2", pipeline.registration(bulk: spring)), 1...2),
            (.completed(result: "r", message: "Done"), 1...2),
            (.completed(result: nil, message: nil), 1...1),
            (.failed(message: "It broke.", code: "broken", stage: "a"), 1...3),
            (.failed(message: "Other", code: nil, stage: nil), 1...1),
            (.cancelRequested(message: "Please"), 1...2),
            (.cancelled(message: nil), 1...2),
            (.heartbeat(worker: "w-1"), 1...2),
            (.heartbeat(worker: "w-2"), 1...1),
            (.begins(stage("nowhere", try: 1)), 1...1),
        ]
        for name in ["a", "b", "c"] {
            let isPaged = name == "b" && pipeline == .paged
            for tries in 1...2 {
                for index in isPaged ? [1, 2, 3] : [nil] {
                    let mention = stage(name, index, of: isPaged ? 3 : nil, try: tries)
                    words.append((.begins(mention), 1...2))
                    words.append((.tells(mention, percent: 40), 1...2))
                    words.append((.counts(mention, 3, 10), 1...2))
                    words.append((.ends(mention, checkpoint: name), 1...2))
                }
            }
        }
        let inner = stage(
            "b", pipeline == .paged ? 2 : nil, of: pipeline == .paged ? 3 : nil, try: 1, saying: "Inner")
        words += [
            (.counts(inner, 4, 20), 1...1), (.counts(inner, 3, 5), 1...1),
            (.tells(inner, percent: 60), 1...1),
            (.tells(inner, percent: 100), 1...1), (.counts(inner, 10, 10), 1...1),
            (.counts(inner, 1, 3, substep: "p"), 1...2), (.counts(inner, 2, 3, substep: "p"), 1...1),
            (.counts(inner, 1, 3, substep: "q"), 1...2), (.tells(stage("c", try: 3), percent: 1), 1...3),
            (.begins(stage("a", try: 3, saying: "Again")), 1...3),
        ]
        if pipeline == .paged {
            words += [
                (.begins(stage("b", 2, of: 5, try: 1)), 1...2), (.ends(stage("b", 4, of: 4, try: 1)), 1...1),
                (.begins(stage("b", try: 1)), 1...2),
                (.tells(stage("b", 1, of: 1, try: 1), percent: 100), 1...1),
                (.ends(stage("b", try: 1)), 1...1), (.tells(stage("b", 5, of: 4, try: 1), percent: 1), 1...1),
            ]
        }
        events = words.flatMap { word, attempts in attempts.map { say(word, attempt: $0) } }
    }
}

/// A state in which the laws are tried.
struct Beginning: Sendable, CustomStringConvertible {
    let description: String
    let record: JobRecord

    init(_ description: String, _ record: JobRecord) {
        self.description = description
        self.record = record
    }

    static func all(of pipeline: Pipeline) -> [Beginning] {
        let start = stage("b", pipeline == .paged ? 1 : nil, of: pipeline == .paged ? 3 : nil)
        let queued = JobRecord(pipeline)
        let atB = JobRecord(pipeline, .works, .begins(stage("a")), .tells(start, percent: 50))
        var back = atB
        back.hear(.begins(stage("a", try: 2)))
        var suspect = atB
        _ = suspect.fire(jobID, at: noon.after(30), catalog: catalog)
        var lost = atB
        _ = lost.fire(jobID, at: noon.after(600), catalog: catalog)
        var stalled = atB
        for second in stride(from: Int64(20), through: 120, by: 20) {
            stalled.hear(.beats, at: noon.after(second))
        }
        _ = stalled.fire(jobID, at: noon.after(120), catalog: catalog)
        var failed = atB
        failed.hear(.breaks)
        var cancelled = atB
        cancelled.hear(.cancelled(message: nil))
        var completed = atB
        completed.hear(.done)
        if pipeline.isStrict {
            completed.hear(.ends(stage("c")))
            completed.hear(.done)
        }
        var second = atB
        second.hear(.works, attempt: 2)
        second.hear(.begins(stage("a")), attempt: 2)
        var placeholder = JobRecord.unknown
        placeholder.hear(.begins(stage("a")), attempt: 1)
        return [
            Beginning("unknown", .unknown), Beginning("placeholder", placeholder),
            Beginning("queued", queued),
            Beginning("running", JobRecord(pipeline, .works)), Beginning("in a later stage", atB),
            Beginning("gone back", back), Beginning("suspect", suspect), Beginning("stalled", stalled),
            Beginning("lost", lost), Beginning("failed", failed), Beginning("cancelled", cancelled),
            Beginning("completed", completed), Beginning("second attempt", second),
            Beginning("expired", failed.buried),
        ]
    }
}
