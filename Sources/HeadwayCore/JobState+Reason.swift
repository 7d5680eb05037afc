/// Why a job's health is what it is: one sentence for the API, the dashboard, and those in one process with it.
extension JobState {
    /// Nil when all is well.
    ///
    /// - Parameters:
    ///   - pipeline: the job's; nil while it is not known.
    ///   - now: what spans count to, by the job's partition.
    public func reason(under pipeline: Pipeline?, at now: Timestamp) -> String? {
        let stage = position.flatMap { position in
            pipeline.flatMap { known in known.position(of: position.stage).map { known.stages[$0] } }
        }
        let place = (stage?.label ?? position?.stage).map { " in \($0)" } ?? ""
        let worker = worker.map { "worker \($0)" } ?? "its worker"
        let silence = max(.zero, now - aliveAt).inWords
        switch health {
        case .ok: return nil
        case .slow: return slowness(stage, at: now)
        case .suspect: return "No sign of life for \(silence)\(place) from \(worker)."
        case .stalled:
            let usual = position?.usual.map { "usually \($0.median.inWords)" }
            let limit = (stage?.stallAfter ?? pipeline?.stallAfter).map { "limit \($0.inWords)" }
            let known = [usual, limit].compactMap(\.self).joined(separator: ", ")
            let bounds = known.isEmpty ? "" : " (\(known))"
            let still = max(.zero, now - movedAt).inWords
            return "No progress for \(still)\(place)\(bounds); \(worker) last seen \(silence) ago."
        case .lost: return failure?.message ?? "Its worker went silent for good."
        }
    }

    /// What the stage takes beside what it usually takes.
    private func slowness(_ stage: Pipeline.Stage?, at now: Timestamp) -> String {
        guard let position, let usual = position.usual else { return "It takes longer than usual." }
        var subject = stage?.label ?? position.stage
        if let index = position.index {
            subject += " \(index)" + (position.of.map { " of \($0)" } ?? "")
        }
        let taken = max(.zero, now - (position.indexStartedAt ?? position.startedAt)).inWords
        return "\(subject) takes \(taken) so far (usually \(usual.median.inWords), "
            + "95 % within \(usual.p95.inWords))."
    }
}
