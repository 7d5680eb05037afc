/// The names of an event's fields, in the order that the encoder writes them. Always the same order, so
/// that Redis' stream nodes store the names once.
enum EventField: UInt8, FieldName {
    case type, subject, attempt, source, id, time, traceparent
    case pipeline, bulk, label, weight, token
    // `attr.<name>` comes here.
    case worker, stage, index, of, stageAttempt, message, done, total, percent, substep
    case checkpoint, result, code
    // Of the words that shares tell one another.
    case generation, queued, running, completed, failed, cancelled, job
    case origin

    static let table = NameTable(allCases) { String(describing: $0) }
    static let attributePrefix = Array("attr.".utf8)
}
