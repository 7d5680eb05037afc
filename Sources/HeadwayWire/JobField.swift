/// The fields of `job:<id>`; an absent field is nil (or its default, where the comment says so).
package enum JobField: UInt8, FieldName {
    /// `name@revision`.
    case pipeline
    case status
    /// 1 when absent.
    case attempt
    case bulk, label
    /// 1 when absent.
    case weight
    case token, traceparent
    // `attr.<name>` comes here.
    /// `ok` when absent.
    case health
    case worker
    /// The position: all of it is absent before the first stage.
    case stage
    /// 1 when absent.
    case stageAttempt
    case index, of
    /// `3/10` or `33.5%`.
    case progress
    case stageStarted
    /// When the index began that is being worked on.
    case indexStarted
    /// `35000/110000`: what was usual for the stage (for one index) when it began, half and 95 of 100.
    case usual
    /// When half of the stage's progress was told.
    case halfAt
    /// `research=c writing=r/2`: phase letter, and the stage's attempt when it is not 1.
    case stages
    /// `sections=3/6 images=50%`.
    case substeps
    /// Of the whole job, in parts per million; 0 when absent.
    case fraction
    case message, result
    /// The failure's public message.
    case error
    case code, errorStage
    case checkpoint
    /// `1` when a cancel was requested.
    case cancel
    /// Since when; `updated` when absent.
    case cancelAsked
    /// 0 when absent.
    case recoveries
    case created, started, updated, finished, alive, moved
    case version
    // Of a placeholder instead of a job.
    case held, since

    package static let table = NameTable(allCases) { String(describing: $0) }
}
