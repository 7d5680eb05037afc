public import HeadwayCore

extension BulkShare {
    /// Reads a share's hash. Fields that this version does not know are ignored.
    @inlinable
    package init(
        id: BulkID, fields: some Sequence<(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)>
    ) throws(WireError) {
        var scan = ShareScan()
        for (name, value) in fields { scan.take(name, value) }
        self = try scan.share(id)
    }

    /// Adds the share's full image: absolute values, one field per map. To replace an older image also
    /// delete what only that one had: ``FieldSet/vanished(since:)`` of the two images' fields.
    @discardableResult
    package func encode(into buffer: inout FieldBuffer) -> FieldSet<ShareField> {
        var writer = ImageWriter<ShareField>(buffer: buffer)
        buffer = FieldBuffer()
        describe(to: &writer)
        buffer = writer.buffer
        return FieldSet(bits: writer.fields)
    }

    func describe(to sink: inout some ImageSink<ShareField>) {
        sink.put(.queued, counts.queued)
        sink.put(.running, counts.running)
        sink.put(.completed, counts.completed)
        sink.put(.failed, counts.failed)
        sink.put(.cancelled, counts.cancelled)
        sink.put(.weight, weight)
        sink.put(.progress, progress)
        sink.put(.health, if: !health.isEmpty) { bytes in
            let tally = Health.allCases.compactMap { health in self.health[health].map { (health, $0) } }
            TallyText.append(tally, to: &bytes) { $1.append(contentsOf: $0.rawValue.utf8) }
        }
        sink.put(.stages, if: !stages.isEmpty) { bytes in
            let tally = stages.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
            TallyText.append(tally, to: &bytes) { PackedText.append($0, to: &$1) }
        }
        sink.put(.failures, if: !failures.isEmpty) { bytes in
            let tally = failures.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
            TallyText.append(tally, to: &bytes) { kind, bytes in
                PackedText.append(kind.code, to: &bytes)
                bytes.append(UInt8(ascii: "|"))
                PackedText.append(kind.stage, to: &bytes)
            }
        }
        if let finishes {
            sink.put(.finishes, if: true) { FinishText.append(finishes, to: &$0) }
        }
        sink.put(.reopened, reopened == 0 ? nil : reopened)
        sink.put(.cancelling, isCancelling ? 1 : nil as Int?)
        sink.put(.settled, settledGeneration)
        sink.put(.openGeneration, openGeneration == 1 ? nil : openGeneration)
        sink.put(.errands, errands.isEmpty ? nil : errands.rawValue)
        if let failing {
            sink.put(.failing, if: true) { bytes in
                PackedText.append(failing.job.description, to: &bytes)
                bytes.append(UInt8(ascii: "|"))
                PackedText.append(failing.kind.code, to: &bytes)
                bytes.append(UInt8(ascii: "|"))
                PackedText.append(failing.kind.stage, to: &bytes)
            }
        }
        sink.put(.failureGeneration, failureGeneration == 0 ? nil : failureGeneration)
        sink.put(.updated, updatedAt.milliseconds)
        sink.put(.version, version)
        guard let home else { return }
        sink.put(.created, home.createdAt.milliseconds)
        sink.put(.label, home.label)
        sink.put(.total, home.total)
        sink.put(.sealed, home.isSealed ? 1 : nil as Int?)
        sink.put(.sealedAt, home.sealedAt?.milliseconds)
        if let settlement = home.settlement {
            sink.put(.settlement, if: true) { SettlementText.append(settlement, to: &$0) }
        }
        sink.put(.toldFailure, home.failureGeneration == 0 ? nil : home.failureGeneration)
    }
}
