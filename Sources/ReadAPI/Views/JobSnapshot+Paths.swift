import HeadwayCore

extension JobSnapshot {
    func scalar(_ path: JobPath) -> ViewScalar {
        switch path {
        case .plain(let plain): scalar(plain)
        case .attribute(let name): ViewScalar(state.attributes[name])
        case .completedStage(let place): ViewScalar(state.completedStages.at(place))
        case .skippedStage(let place): ViewScalar(state.skippedStages.at(place))
        case .substep(let place, let path): state.substeps.at(place)?.scalar(path) ?? .null
        }
    }

    private func scalar(_ path: JobPath.Plain) -> ViewScalar {
        switch path {
        case .id: .text(state.id.description)
        case .pipeline: .text(state.pipeline.name)
        case .revision: .number(state.pipeline.revision)
        case .bulk: ViewScalar(state.bulk?.description)
        case .label: ViewScalar(state.label)
        case .rawStatus: .text(state.status.rawValue)
        case .health: .text(state.health.rawValue)
        case .reason: ViewScalar(reason)
        case .percent: .number(state.percent)
        case .exactPercent: .fraction(exactFraction)
        case .message: ViewScalar(message)
        case .attempt: .number(state.attempt)
        case .worker: ViewScalar(state.worker)
        case .stage, .stageID: ViewScalar(state.position?.stage)
        case .activeStage: ViewScalar(activeStage)
        case .completedStages: .whole(isPresent: state.stages.contains { $0.phase == .completed })
        case .skippedStages: .whole(isPresent: state.stages.contains { $0.phase == .skipped })
        case .substeps: .whole(isPresent: !state.substeps.isEmpty)
        case .result: ViewScalar(state.result)
        case .error: .whole(isPresent: state.failure != nil)
        case .createdAt: .moment(state.createdAt)
        case .startedAt: ViewScalar(state.startedAt)
        case .updatedAt: .moment(state.updatedAt)
        case .finishedAt: ViewScalar(state.finishedAt)
        case .elapsedSeconds: elapsed.map { .thousandths($0.wholeMilliseconds) } ?? .null
        case .eta: .whole(isPresent: viewEstimate.remaining != nil)
        case .epoch: .text(epoch)
        case .version: .number(Int(state.version))
        case .now: .moment(readAt)
        case .asOf: ViewScalar(freshness.asOf)
        case .lagMs: ViewScalar(freshness.lagMilliseconds)
        case .stale: .flag(freshness.isStale)
        case .stageLabel: ViewScalar(state.position.map { stage?.label ?? $0.stage })
        case .stagePercent: ViewScalar(stagePercent)
        case .stageDone: ViewScalar(state.position?.progress?.counted?.done)
        case .stageTotal: ViewScalar(state.position?.progress?.counted?.total)
        case .stageIndex: ViewScalar(state.position?.index)
        case .stageOf: ViewScalar(state.position?.of)
        case .stageAttempt: ViewScalar(state.position?.attempt)
        case .stageStartedAt: ViewScalar(state.position?.startedAt)
        case .errorMessage: ViewScalar(state.failure?.message)
        case .errorCode: ViewScalar(state.failure?.code)
        case .errorStage: ViewScalar(state.failure?.stage)
        case .etaSeconds: ViewScalar(viewEstimate.seconds)
        case .etaHigh: ViewScalar(viewEstimate.highSeconds)
        case .etaBasis: ViewScalar(viewEstimate.basis)
        case .etaReason: ViewScalar(viewEstimate.reason)
        case .etaAt: ViewScalar(viewEstimate.remaining.map { readAt + $0 })
        }
    }

    /// The list or the object that the path names, as the snapshot has it.
    func write(whole path: JobPath, to json: inout JSONWriter) {
        switch path {
        case .plain(.completedStages): json.value(state.completedStages)
        case .plain(.skippedStages): json.value(state.skippedStages)
        case .plain(.substeps):
            json.beginArray()
            for substep in state.substeps { substep.write(to: &json) }
            json.endArray()
        case .plain(.error):
            guard let failure = state.failure else { return json.null() }
            json.beginObject()
            json.field("message", failure.message)
            json.field("code", failure.code)
            json.field("stage", failure.stage)
            json.endObject()
        case .plain(.eta): viewEstimate.write(to: &json)
        default: json.null()
        }
    }

    /// The stage's own label in the job's revision.
    func label(of stage: String) -> String {
        pipeline.flatMap { pipeline in pipeline.position(of: stage).flatMap { pipeline.stages[$0].label } }
            ?? stage
    }

    /// What ``JobState/percent`` floors.
    private var exactFraction: Fraction {
        state.status == .completed ? .one : min(state.fraction, Fraction(partsPerMillion: 990_000))
    }

    /// The stage that runs at this moment.
    private var activeStage: String? {
        guard state.status == .running, let stage = state.position?.stage else { return nil }
        let record = state.stages.last { $0.stage == stage }
        return record?.phase == .running ? stage : nil
    }

    private var stagePercent: Int? {
        guard state.position != nil else { return nil }
        return (pipeline.map { state.stageFraction(under: $0) } ?? state.stageFraction).percent
    }
}

extension JobState.Substep {
    func scalar(_ path: SubstepPath) -> ViewScalar {
        switch path {
        case .id: .text(id)
        case .done: ViewScalar(progress.counted?.done)
        case .total: ViewScalar(progress.counted?.total)
        case .percent: .number(progress.fraction.percent)
        }
    }

    fileprivate func write(to json: inout JSONWriter) {
        json.beginObject()
        json.field("id", id)
        switch progress {
        case .count(let done, let total):
            json.field("done", done)
            json.field("total", total)
        case .fraction(let fraction): json.field("percent", fraction.percent)
        }
        json.endObject()
    }
}

extension Progress {
    fileprivate var counted: (done: Int, total: Int)? {
        guard case .count(let done, let total) = self else { return nil }
        return (done, total)
    }
}

extension Array {
    /// Nil beyond the end.
    func at(_ place: Int) -> Element? { indices.contains(place) ? self[place] : nil }
}

extension JSONWriter {
    mutating func value(_ texts: [String]) {
        beginArray()
        for text in texts { value(text) }
        endArray()
    }
}
