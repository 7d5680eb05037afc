package import HeadwayCore

extension BulkSnapshot {
    /// Running members that the caller may not read come without their words.
    package func write(to json: inout JSONWriter, for access: ReadAccess) {
        let counts = summary.counts
        json.beginObject()
        json.field("id", summary.id.description)
        json.field("label", summary.label)
        json.field("phase", summary.phase.rawValue)
        json.field("outcome", summary.outcome?.rawValue)
        json.field("cancelling", summary.isCancelling)
        json.field("text", summary.text)
        json.field("completed", counts.completed)
        json.field("total", summary.total)
        json.field("done", counts.done)
        json.field("percent", summary.percent)
        json.key("counts")
        json.beginObject()
        json.field("registered", counts.registered)
        for status in JobState.Status.allCases { json.field(status.rawValue, counts[status]) }
        json.endObject()
        json.key("health")
        json.beginObject()
        for health in Health.allCases { json.field(health.rawValue, summary.health[health] ?? 0) }
        json.endObject()
        json.key("stages")
        json.beginObject()
        for (stage, count) in summary.stages.sorted(by: { $0.key < $1.key }) where count > 0 {
            json.key(chosen: stage)
            json.value(count)
        }
        json.endObject()
        if let current {
            json.key("current")
            json.beginArray()
            for job in current {
                if access.grant(job.state.token).isAllowed {
                    job.writeBrief(to: &json)
                } else {
                    job.writeProtected(to: &json)
                }
            }
            json.endArray()
        }
        writeFailures(to: &json)
        json.key("rate")
        if let rate {
            json.beginObject()
            json.key("perMinute")
            json.value(tenths: Int64(min(rate.perMinute * 10, 1e15).rounded()))
            json.endObject()
        } else {
            json.null()
        }
        json.fields(outlook, at: readAt)
        json.field("generation", summary.generation)
        json.field("createdAt", summary.createdAt)
        json.field("updatedAt", summary.updatedAt)
        json.field("epoch", epoch)
        json.field("version", Int(summary.version))
        json.fields(freshness)
        json.endObject()
    }

    /// `failures`: grouped by code and stage; either is null where nobody named it.
    ///
    /// - Parameter samples: ids of members that failed so; nil leaves them out.
    package func writeFailures(
        to json: inout JSONWriter, samples: [BulkShare.FailureKind: [JobID]]? = nil
    ) {
        json.key("failures")
        json.beginArray()
        for (kind, count) in failures {
            json.beginObject()
            json.field("code", kind.code.isEmpty ? nil : kind.code)
            json.field("stage", kind.stage.isEmpty ? nil : kind.stage)
            json.field("count", count)
            if let samples { json.field("samples", (samples[kind] ?? []).map(\.description)) }
            json.endObject()
        }
        json.endArray()
    }
}

extension BulkAnswer {
    /// A snapshot; or, of what has expired or is not known, its id with `phase: null`.
    package func write(to json: inout JSONWriter, for access: ReadAccess) {
        switch self {
        case .bulk(let snapshot): snapshot.write(to: &json, for: access)
        case .expired(let id, let epoch, let version, let freshness):
            json.beginObject()
            json.field("kind", "bulk")
            json.field("id", id.description)
            json.field("phase", BulkSummary.Phase.settled.rawValue)
            json.field("expired", true)
            json.field("epoch", epoch)
            json.field("version", Int(version))
            json.fields(freshness)
            json.endObject()
        case .unknown(let id, let epoch, let freshness):
            json.beginObject()
            json.field("kind", "bulk")
            json.field("id", id.description)
            json.null("phase")
            json.field("epoch", epoch)
            json.field("version", 0)
            json.fields(freshness)
            json.endObject()
        }
    }
}

extension JobSnapshot {
    /// One of a bulk's running members: the snapshot's keys, but only those that a progress bar shows.
    package func writeBrief(to json: inout JSONWriter) {
        json.beginObject()
        json.field("id", state.id.description)
        json.field("status", state.status.rawValue)
        json.field("health", state.health.rawValue)
        json.field("reason", reason)
        json.field("percent", state.percent)
        json.field("message", message)
        json.field("worker", state.worker)
        json.key("stage")
        writePlace(to: &json)
        json.field("startedAt", state.startedAt)
        json.field("version", Int(state.version))
        json.endObject()
    }
}
