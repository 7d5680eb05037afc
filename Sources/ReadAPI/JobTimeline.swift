package import HeadwayCore
package import HeadwayWire

/// A job's transitions, oldest first, with how long each lasted.
package struct JobTimeline: Sendable, Equatable {
    /// How long a stage (one index of it, when indexed) took.
    package struct StageSpan: Sendable, Equatable {
        package var stage: String
        package var index: Int?
        package var attempt: Int
        package var startedAt: Timestamp
        /// Nil while it runs.
        package var endedAt: Timestamp?
    }

    package let id: JobID
    /// What its reader's token is compared with; nil where everybody may read.
    package let tokenDigest: String?
    package let entries: [TimelineEntry]
    package let epoch: String
    package let freshness: Freshness

    package init(
        id: JobID, tokenDigest: String?, entries: [TimelineEntry], epoch: String, freshness: Freshness
    ) {
        self.id = id
        self.tokenDigest = tokenDigest
        self.entries = entries
        self.epoch = epoch
        self.freshness = freshness
    }

    /// From one transition to the next; nil for the last one.
    package func duration(at place: Int) -> Duration? {
        guard entries.indices.contains(place + 1) else { return nil }
        return max(.zero, entries[place + 1].at - entries[place].at)
    }

    /// Each stage from its start to whatever ended it: its completion, its withdrawal, or the job's end.
    package var stages: [StageSpan] {
        var spans: [StageSpan] = []
        for entry in entries {
            switch Transition.Kind(rawValue: entry.kind) {
            case .stageStarted:
                guard let stage = entry.stage else { continue }
                spans.append(
                    StageSpan(stage: stage, index: entry.index, attempt: entry.attempt, startedAt: entry.at))
            case .stageCompleted, .stageWithdrawn:
                let open = spans.lastIndex {
                    $0.endedAt == nil && $0.stage == entry.stage
                        && (entry.index == nil || $0.index == entry.index)
                }
                if let open { spans[open].endedAt = entry.at }
            case .completed, .failed, .cancelled, .requeued:
                for place in spans.indices where spans[place].endedAt == nil {
                    spans[place].endedAt = entry.at
                }
            case .created, .started, .workerReplaced, .stageSkipped, .cancelRequested, .health, .recovered,
                nil:
                continue
            }
        }
        return spans
    }
}

extension JobTimeline {
    package func write(to json: inout JSONWriter) {
        json.beginObject()
        json.field("id", id.description)
        json.key("entries")
        json.beginArray()
        for (place, entry) in entries.enumerated() {
            json.beginObject()
            json.field("at", entry.at)
            json.field("kind", entry.kind)
            json.field("attempt", entry.attempt)
            json.field("stage", entry.stage)
            json.field("index", entry.index)
            json.field("detail", entry.detail)
            json.field("durationMs", duration(at: place).map { Int($0.wholeMilliseconds) })
            json.endObject()
        }
        json.endArray()
        json.key("stages")
        json.beginArray()
        for span in stages {
            json.beginObject()
            json.field("stage", span.stage)
            json.field("index", span.index)
            json.field("attempt", span.attempt)
            json.field("startedAt", span.startedAt)
            json.field("endedAt", span.endedAt)
            json.field(
                "durationMs", span.endedAt.map { Int(max(.zero, $0 - span.startedAt).wholeMilliseconds) })
            json.endObject()
        }
        json.endArray()
        json.field("epoch", epoch)
        json.fields(freshness)
        json.endObject()
    }
}
