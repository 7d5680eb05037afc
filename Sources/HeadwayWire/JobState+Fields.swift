public import HeadwayCore

extension JobState {
    /// Reads a job's hash. Fields that this version does not know are ignored.
    @inlinable
    package init(
        id: JobID, fields: some Sequence<(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)>
    ) throws(WireError) {
        var scan = JobScan()
        for (name, value) in fields { scan.take(name, value) }
        self = try scan.state(id)
    }

    /// Adds the job's full image. To replace an older image also delete what only that one had:
    /// ``FieldSet/vanished(since:)`` of the two images' fields.
    @discardableResult
    package func encode(into buffer: inout FieldBuffer) -> FieldSet<JobField> {
        var writer = ImageWriter<JobField>(buffer: buffer)
        buffer = FieldBuffer()
        describe(to: &writer)
        buffer = writer.buffer
        for (name, value) in attributes.sorted(by: { $0.key < $1.key }) { buffer.add("attr." + name, value) }
        return FieldSet(bits: writer.fields)
    }

    func describe(to sink: inout some ImageSink<JobField>) {
        sink.put(.pipeline, pipeline.description)
        sink.put(.status, status.rawValue)
        sink.put(.attempt, attempt == 1 ? nil : attempt)
        sink.put(.bulk, bulk?.description)
        sink.put(.label, label)
        sink.put(.weight, weight == 1 ? nil : weight)
        sink.put(.token, token)
        sink.put(.traceparent, traceparent)
        sink.put(.health, health == .ok ? nil : health.rawValue)
        sink.put(.worker, worker)
        if let position {
            sink.put(.stage, position.stage)
            sink.put(.stageAttempt, position.attempt == 1 ? nil : position.attempt)
            sink.put(.index, position.index)
            sink.put(.of, position.of)
            if let progress = position.progress {
                sink.put(.progress, if: true) { ProgressText.append(progress, to: &$0) }
            }
            sink.put(.stageStarted, position.startedAt.milliseconds)
            sink.put(.indexStarted, position.indexStartedAt?.milliseconds)
            if let usual = position.usual {
                sink.put(.usual, if: true) { UsualText.append(usual, to: &$0) }
            }
            sink.put(.halfAt, position.halfAt?.milliseconds)
        }
        sink.put(.stages, if: !stages.isEmpty) { StageText.append(stages, to: &$0) }
        sink.put(.substeps, if: !substeps.isEmpty) { bytes in
            for (place, substep) in substeps.enumerated() {
                if place > 0 { bytes.append(UInt8(ascii: " ")) }
                PackedText.append(substep.id, to: &bytes)
                bytes.append(UInt8(ascii: "="))
                ProgressText.append(substep.progress, to: &bytes)
            }
        }
        sink.put(.fraction, fraction == .zero ? nil : fraction.partsPerMillion)
        sink.put(.message, message)
        sink.put(.result, result)
        sink.put(.error, failure?.message)
        sink.put(.code, failure?.code)
        sink.put(.errorStage, failure?.stage)
        sink.put(.checkpoint, checkpoint)
        sink.put(.cancel, isCancelRequested ? 1 : nil as Int?)
        sink.put(.cancelAsked, cancelRequestedAt?.milliseconds)
        sink.put(.recoveries, recoveries == 0 ? nil : recoveries)
        sink.put(.created, createdAt.milliseconds)
        sink.put(.started, startedAt?.milliseconds)
        sink.put(.updated, updatedAt.milliseconds)
        sink.put(.finished, finishedAt?.milliseconds)
        sink.put(.alive, aliveAt.milliseconds)
        sink.put(.moved, movedAt.milliseconds)
        sink.put(.version, version)
    }
}
