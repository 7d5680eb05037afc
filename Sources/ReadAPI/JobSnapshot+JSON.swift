import HeadwayCore

/// The only gate through which a job's state leaves: what is not named here stays inside.
extension JobSnapshot {
    package func write(to json: inout JSONWriter) {
        json.beginObject()
        json.field("id", state.id.description)
        json.field("pipeline", state.pipeline.name)
        json.field("bulk", state.bulk?.description)
        json.field("label", state.label)
        json.field("status", state.status.rawValue)
        json.field("health", state.health.rawValue)
        json.field("reason", reason)
        json.field("percent", state.percent)
        json.field("message", message)
        json.field("attempt", state.attempt)
        json.field("worker", state.worker)
        json.field("cancelRequested", state.isCancelRequested)
        writeStage(to: &json)
        json.field("completedStages", state.completedStages)
        json.field("skippedStages", state.skippedStages)
        writeSubsteps(to: &json)
        json.field("result", state.result)
        writeError(to: &json)
        writeAttributes(to: &json)
        json.field("createdAt", state.createdAt)
        json.field("startedAt", state.startedAt)
        json.field("updatedAt", state.updatedAt)
        json.field("finishedAt", state.finishedAt)
        json.key("elapsedSeconds")
        if let elapsed { json.value(tenths: elapsed.wholeMilliseconds / 100) } else { json.null() }
        json.fields(outlook, at: readAt)
        json.field("epoch", epoch)
        json.field("version", Int(state.version))
        json.fields(freshness)
        json.endObject()
    }

    private func writeStage(to json: inout JSONWriter) {
        json.key("stage")
        guard let position = state.position else { return json.null() }
        json.beginObject()
        json.field("id", position.stage)
        json.field("label", stage?.label ?? position.stage)
        let fraction = pipeline.map { state.stageFraction(under: $0) } ?? state.stageFraction
        json.field("percent", fraction.percent)
        switch position.progress {
        case .count(let done, let total):
            json.field("done", done)
            json.field("total", total)
        case .fraction, nil:
            json.null("done")
            json.null("total")
        }
        // Only a repeated stage has these: page 2 of 8.
        if let index = position.index {
            json.field("index", index)
            json.field("of", position.of)
        }
        json.field("attempt", position.attempt)
        json.field("startedAt", position.startedAt)
        json.endObject()
    }

    private func writeSubsteps(to json: inout JSONWriter) {
        json.key("substeps")
        json.beginArray()
        for substep in state.substeps {
            json.beginObject()
            json.field("id", substep.id)
            switch substep.progress {
            case .count(let done, let total):
                json.field("done", done)
                json.field("total", total)
            case .fraction(let fraction): json.field("percent", fraction.percent)
            }
            json.endObject()
        }
        json.endArray()
    }

    private func writeError(to json: inout JSONWriter) {
        json.key("error")
        guard let failure = state.failure else { return json.null() }
        json.beginObject()
        json.field("message", failure.message)
        json.field("code", failure.code)
        json.field("stage", failure.stage)
        json.endObject()
    }

    private func writeAttributes(to json: inout JSONWriter) {
        json.key("attributes")
        json.beginObject()
        for (name, value) in state.attributes.sorted(by: { $0.key < $1.key }) {
            json.key(chosen: name)
            json.value(value)
        }
        json.endObject()
    }
}

extension JobAnswer {
    /// A snapshot; or of an expired job what the tombstone knows, with `expired: true`; or of an unknown one
    /// its id and `status: null`. The latter two have a `kind`, since a stream may follow a job and a bulk of
    /// the same id. To somebody who may not read the job: what a bulk shows of any member.
    package func write(to json: inout JSONWriter, for access: ReadAccess) {
        guard access.grant(of: self).isAllowed else { return writeProtected(to: &json) }
        switch self {
        case .job(let snapshot): snapshot.write(to: &json)
        case .expired(let id, let tombstone, let epoch, let freshness):
            json.beginObject()
            json.field("kind", "job")
            json.field("id", id.description)
            json.field("pipeline", tombstone.pipeline.name)
            json.field("bulk", tombstone.bulk?.description)
            json.field("status", tombstone.status.rawValue)
            json.field("expired", true)
            json.field("attempt", tombstone.attempt)
            json.field("finishedAt", tombstone.finishedAt)
            json.field("epoch", epoch)
            json.field("version", Int(tombstone.version))
            json.fields(freshness)
            json.endObject()
        case .unknown(let id, let epoch, let freshness):
            json.beginObject()
            json.field("kind", "job")
            json.field("id", id.description)
            json.null("status")
            json.field("epoch", epoch)
            json.field("version", 0)
            json.fields(freshness)
            json.endObject()
        }
    }

    /// How far a bulk's member is, and nothing of what it says.
    private func writeProtected(to json: inout JSONWriter) {
        if case .job(let snapshot) = self { return snapshot.writeProtected(to: &json) }
        json.beginObject()
        json.field("id", id.description)
        json.field("status", status?.rawValue)
        json.field("expired", true)
        json.field("protected", true)
        json.endObject()
    }
}

extension JobSnapshot {
    /// How far it is, for those without its token: all that a bulk's bars need.
    func writeProtected(to json: inout JSONWriter) {
        json.beginObject()
        json.field("id", state.id.description)
        json.field("status", state.status.rawValue)
        json.field("percent", state.percent)
        json.key("stage")
        writePlace(to: &json)
        json.field("protected", true)
        json.endObject()
    }

    /// The stage's id and label, or null before the first.
    func writePlace(to json: inout JSONWriter) {
        guard let position = state.position else { return json.null() }
        json.beginObject()
        json.field("id", position.stage)
        json.field("label", stage?.label ?? position.stage)
        json.endObject()
    }
}
