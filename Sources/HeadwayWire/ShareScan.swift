public import HeadwayCore

/// Takes the fields of `bulk:<id>` one by one.
@usableFromInline
package struct ShareScan {
    private var fault: WireError?
    private var numbers: [ShareField: Int64] = [:]
    private var health: [Health: Int] = [:]
    private var stages: [String: Int] = [:]
    private var failures: [BulkShare.FailureKind: Int] = [:]
    private var failing: BulkShare.Failing?
    private var finishes: FinishRing?
    private var label: String?
    private var settlement: BulkShare.Settlement?

    @usableFromInline
    package init() {}

    @usableFromInline
    package mutating func take(_ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) {
        guard let field = ShareField.table[name] else { return }
        switch field {
        case .queued, .running, .completed, .failed, .cancelled, .reopened, .errands, .total, .version,
            .settled, .failureGeneration, .toldFailure:
            number(field, value, in: 0...FieldValue.greatest)
        case .openGeneration: number(field, value, in: 1...FieldValue.greatest)
        case .cancelling, .sealed: number(field, value, in: 0...1)
        case .weight, .progress, .updated, .created, .sealedAt:
            number(field, value, in: Int64.min...Int64.max)
        case .health:
            health =
                read(field, TallyText.tally(value) { FieldValue.text($0).flatMap(Health.init(rawValue:)) })
                ?? [:]
        case .stages: stages = read(field, TallyText.tally(value, key: PackedText.text)) ?? [:]
        case .failures: failures = read(field, TallyText.tally(value, key: TallyText.failureKind)) ?? [:]
        case .failing: failing = read(field, TallyText.failing(value))
        case .finishes: finishes = read(field, FinishText.ring(value))
        case .label: label = read(field, FieldValue.text(value))
        case .settlement: settlement = read(field, SettlementText.settlement(value))
        }
    }

    @usableFromInline
    package func share(_ id: BulkID) throws(WireError) -> BulkShare {
        if let fault { throw fault }
        var share = BulkShare(id: id, at: Timestamp(milliseconds: try known(.updated)))
        share.counts = BulkCounts(
            queued: Int(try known(.queued)), running: Int(try known(.running)),
            completed: Int(try known(.completed)),
            failed: Int(try known(.failed)), cancelled: Int(try known(.cancelled)))
        share.weight = try known(.weight)
        share.progress = try known(.progress)
        share.health = health
        share.stages = stages
        share.failures = failures
        share.finishes = finishes
        share.reopened = Int(numbers[.reopened] ?? 0)
        share.isCancelling = numbers[.cancelling] == 1
        share.settledGeneration = numbers[.settled].map { Int($0) }
        share.openGeneration = Int(numbers[.openGeneration] ?? 1)
        share.errands = BulkShare.Errands(rawValue: Int(numbers[.errands] ?? 0))
        share.failing = failing
        share.failureGeneration = Int(numbers[.failureGeneration] ?? 0)
        share.version = try known(.version)
        guard let created = numbers[.created] else { return share }
        var home = BulkShare.Home(createdAt: Timestamp(milliseconds: created))
        home.label = label
        home.total = numbers[.total].map { Int($0) }
        home.isSealed = numbers[.sealed] == 1
        home.sealedAt = numbers[.sealedAt].map(Timestamp.init(milliseconds:))
        home.settlement = settlement
        home.failureGeneration = Int(numbers[.toldFailure] ?? 0)
        share.home = home
        return share
    }

    private mutating func read<Value>(_ field: ShareField, _ value: Value?) -> Value? {
        if value == nil, fault == nil { fault = .unreadable(field.name) }
        return value
    }

    private mutating func number(
        _ field: ShareField, _ value: ArraySlice<UInt8>, in range: ClosedRange<Int64>
    ) {
        numbers[field] = read(field, FieldValue.integer(value).flatMap { range ~= $0 ? $0 : nil })
    }

    private func known(_ field: ShareField) throws(WireError) -> Int64 {
        guard let number = numbers[field] else { throw .missing(field.name) }
        return number
    }
}
