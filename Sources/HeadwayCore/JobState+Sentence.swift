extension JobState {
    /// The worker's words, or else what the pipeline says while the job is in this stage.
    public func sentence(under pipeline: Pipeline?) -> String? {
        // An empty one was sent to clear the last.
        if let message, !message.isEmpty { return message }
        guard status == .running, let pipeline, let position,
            let place = pipeline.position(of: position.stage), let template = pipeline.stages[place].message
        else { return nil }
        let stage = pipeline.stages[place]
        return
            template
            .replacing("{label}", with: stage.label ?? stage.id)
            .replacing("{index}", with: position.index.map(String.init) ?? "?")
            .replacing("{of}", with: position.of.map(String.init) ?? "?")
    }
}
