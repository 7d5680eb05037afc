import HeadwayCore

extension BulkSnapshot {
    func scalar(_ path: BulkPath) -> ViewScalar {
        switch path {
        case .plain(let plain): scalar(plain)
        case .count(.registered): .number(summary.counts.registered)
        case .count(.status(let status)): .number(summary.counts[status])
        case .health(let health): .number(summary.health[health] ?? 0)
        case .stage(let stage): .number(summary.stages[stage] ?? 0)
        case .failure(let place, let path): failures.at(place).map { Self.scalar($0, path) } ?? .null
        }
    }

    private func scalar(_ path: BulkPath.Plain) -> ViewScalar {
        switch path {
        case .id: .text(summary.id.description)
        case .text: .text(summary.text)
        case .epoch: .text(epoch)
        case .phase: .text(summary.phase.rawValue)
        case .label: ViewScalar(summary.label)
        case .outcome: ViewScalar(summary.outcome?.rawValue)
        case .completed: .number(summary.counts.completed)
        case .total: ViewScalar(summary.total)
        case .done: .number(summary.counts.done)
        case .percent: .number(summary.percent)
        case .generation: .number(summary.generation)
        case .version: .number(Int(summary.version))
        case .counts, .health: .whole(isPresent: true)
        case .stages: .whole(isPresent: summary.stages.contains { $0.value > 0 })
        case .current: .whole(isPresent: !(current ?? []).isEmpty)
        case .failures: .whole(isPresent: !summary.failures.isEmpty)
        case .rate: .whole(isPresent: viewRate != nil)
        case .eta: .whole(isPresent: viewEstimate.remaining != nil)
        case .createdAt: ViewScalar(summary.createdAt)
        case .updatedAt: ViewScalar(summary.updatedAt)
        case .now: .moment(readAt)
        case .asOf: ViewScalar(freshness.asOf)
        case .lagMs: ViewScalar(freshness.lagMilliseconds)
        case .stale: .flag(freshness.isStale)
        case .ratePerMinute: viewRate.map(ViewScalar.thousandths) ?? .null
        case .etaSeconds: ViewScalar(viewEstimate.seconds)
        case .etaHigh: ViewScalar(viewEstimate.highSeconds)
        case .etaBasis: ViewScalar(viewEstimate.basis)
        case .etaReason: ViewScalar(viewEstimate.reason)
        case .etaAt: ViewScalar(viewEstimate.remaining.map { readAt + $0 })
        }
    }

    static func scalar(
        _ failure: (kind: BulkShare.FailureKind, count: Int), _ path: FailureKindPath
    ) -> ViewScalar {
        switch path {
        case .code: failure.kind.code.isEmpty ? .null : .text(failure.kind.code)
        case .stage: failure.kind.stage.isEmpty ? .null : .text(failure.kind.stage)
        case .count: .number(failure.count)
        }
    }

    /// The list or the object that the path names, as the snapshot has it.
    func write(whole path: BulkPath, to json: inout JSONWriter) {
        guard case .plain(let plain) = path else { return json.null() }
        switch plain {
        case .counts:
            json.beginObject()
            json.field("registered", summary.counts.registered)
            for status in JobState.Status.allCases { json.field(status.rawValue, summary.counts[status]) }
            json.endObject()
        case .health:
            json.beginObject()
            for health in Health.allCases { json.field(health.rawValue, summary.health[health] ?? 0) }
            json.endObject()
        case .stages:
            json.beginObject()
            for (stage, count) in summary.stages.sorted(by: { $0.key < $1.key }) where count > 0 {
                json.key(chosen: stage)
                json.value(count)
            }
            json.endObject()
        case .current:
            json.beginArray()
            for job in current ?? [] {
                if job.isProtected { job.writeProtected(to: &json) } else { job.writeBrief(to: &json) }
            }
            json.endArray()
        case .failures:
            json.beginArray()
            for failure in failures {
                json.beginObject()
                for path in FailureKindPath.allCases {
                    json.key(path.rawValue)
                    Self.scalar(failure, path).write(to: &json, .none)
                }
                json.endObject()
            }
            json.endArray()
        case .rate:
            guard let viewRate else { return json.null() }
            json.beginObject()
            json.key("perMinute")
            ViewScalar.thousandths(viewRate).write(to: &json, .none)
            json.endObject()
        case .eta: viewEstimate.write(to: &json)
        default: json.null()
        }
    }
}

extension JobSnapshot {
    /// Whether a bulk shows only how far it is: a bulk is open to everybody, its members' words are not.
    var isProtected: Bool { state.token != nil }

    /// One thing of a bulk's member.
    func member(_ path: JobPath) -> ViewScalar {
        guard isProtected else { return scalar(path) }
        switch path {
        case .plain(.id), .plain(.rawStatus), .plain(.percent), .plain(.exactPercent), .plain(.stage),
            .plain(.stageID), .plain(.stageLabel):
            return scalar(path)
        default: return .null
        }
    }
}
