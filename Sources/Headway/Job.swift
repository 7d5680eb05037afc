import HeadwayCore

/// A job that this worker runs. Copies share everything.
///
/// Its calls are async only because the buffer may be full; otherwise they return at once, whether Redis is there
/// or not. While a copy exists and the job has not ended, it beats by itself.
public struct Job<Contract: PipelineContract>: Sendable {
    let life: JobLife
    let disclosesErrors: Bool

    /// Its id, as it was started.
    public var id: String { life.id.description }
    /// The try of the whole job, from 1.
    public var attempt: Int { life.attempt }

    /// Runs one stage: publishes its start, runs `body`, publishes its completion with the last reported value.
    ///
    /// Starting a later stage completes the running one. Running the same or an earlier stage again is a new try
    /// of it, which also takes back what came after; the percent is held, never lowered.
    ///
    /// - Parameters:
    ///   - stage: which one.
    ///   - index: for an indexed stage which one it is, from 1. They come one after the other: for work that runs in
    ///     parallel, report counts or substeps inside one stage.
    ///   - of: for an indexed stage how many there are.
    ///   - message: a sentence for end users, shown at once.
    ///   - onError: what is published when `body` throws; the error is rethrown in any case.
    ///   - body: the work; it reports through the handle that it gets.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws; ``HeadwayError`` with `ended`, `unknownStage`, `invalid` or `closed`;
    ///   `CancellationError` when the task is cancelled while the buffer is full.
    public func run<Result>(
        _ stage: Contract.Stage, index: Int? = nil, of: Int? = nil, message: String? = nil,
        onError: ErrorPolicy = .failJob, _ body: (StageHandle) async throws -> Result
    ) async throws -> Result {
        let handle = try await life.begin(stage.rawValue, index: index, of: of, message: message)
        let result: Result
        do {
            result = try await body(handle)
        } catch {
            await end(handle, with: error, onError)
            throw error
        }
        try await life.finish(handle)
        return result
    }

    /// The body's error is what the caller must see: one of ours on top of it is not told.
    private func end(_ handle: StageHandle, with error: any Error, _ policy: ErrorPolicy) async {
        guard policy == .failJob, !life.hasEnded else { return life.leave(handle) }
        if error is CancellationError, isCancelled {
            _ = try? await life.end(.cancelled, .cancelled(message: nil))
        } else {
            let failure = PublicFailure(error, stage: life.label(of: handle.name), discloses: disclosesErrors)
            _ = try? await life.end(
                .failed, .failed(message: failure.message, code: failure.code, stage: handle.name))
        }
        life.leave(handle)
    }

    // MARK: The end

    /// The job is done. Once more does nothing.
    ///
    /// - Parameters:
    ///   - result: an id or URL of what was made, at most 4 KiB.
    ///   - message: a last sentence for end users.
    /// - Throws: ``HeadwayError`` with `ended` when it has failed or was cancelled, `invalid`, or `closed`.
    public func complete(result: String? = nil, message: String? = nil) async throws {
        try await life.end(.completed, .completed(result: result, message: message))
    }

    /// The job has failed. After `run` has failed it already, this does nothing: the first word counts.
    ///
    /// - Parameters:
    ///   - message: a sentence for end users.
    ///   - code: a stable word to group failures by, at most 200 characters.
    /// - Throws: ``HeadwayError`` with `ended` when it has completed or was cancelled, `invalid`, or `closed`.
    public func fail(_ message: String, code: String? = nil) async throws {
        let failure = PublicFailure(message: message, code: code)
        try await life.end(.failed, .failed(message: failure.message, code: failure.code, stage: nil))
    }

    /// The job stopped because somebody asked for it.
    ///
    /// - Throws: ``HeadwayError`` with `ended` when it has completed or failed, or `closed`.
    public func cancelled(message: String? = nil) async throws {
        try await life.end(.cancelled, .cancelled(message: message))
    }

    // MARK: Cancelling

    /// Whether somebody asked to cancel the job or its bulk; known about a second after they did.
    public var isCancelled: Bool { life.cancellation.isSet }

    /// - Throws: `CancellationError` when ``isCancelled``; thrown out of `run`, it ends the job as cancelled.
    public func checkCancellation() throws(CancellationError) {
        if isCancelled { throw CancellationError() }
    }
}
