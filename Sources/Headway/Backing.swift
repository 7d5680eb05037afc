import HeadwayCore
import HeadwayWire

/// Where words go and definitions come from: all that jobs, stages and bulks know of a bus.
///
/// Words of one job go in one after the other: whoever is behind has one lock, under which drafts are made and
/// taken. Lock order: this one, then a job's, then a slot's.
protocol Backing: AnyObject, Sendable {
    var worker: String { get }
    /// Whether any error's own words are published.
    var disclosesErrors: Bool { get }

    /// The definition that a contract follows: checked once, the latest revision by then.
    func definition<Contract: PipelineContract>(of contract: Contract.Type) async throws -> Pipeline
    /// The definition called `name` or `name@revision`.
    func definition(named text: String) async throws -> Pipeline
    func definition(_ reference: Pipeline.Reference) -> Pipeline?
    /// - Parameter waits: for a connection, and throws; otherwise nil when nobody can be asked at once.
    func record(of id: JobID, within limit: Duration, waits: Bool) async throws -> JobRecord?

    func partition(of id: JobID) -> Int
    /// Puts an event in that was found sound; waits for room.
    func publish(_ event: ProgressEvent) async throws
    /// Publishes a job's start; from then on it beats by itself.
    ///
    /// - Returns: its key, until it ends or is forgotten.
    func open(_ opening: JobOpening) async throws -> Int
    /// Puts in what a job says, in order; waits for room.
    ///
    /// - Parameters:
    ///   - obeysCancellation: whether a cancelled task gives up waiting; the end of a job does not.
    ///   - draft: made under the lock, again after each wait.
    func say<Value: Sendable>(
        obeysCancellation: Bool, _ draft: @Sendable () throws(HeadwayError) -> Speech<Value>
    ) async throws -> Value
    var ticks: any TickTaker { get }
    /// Puts in the latest values of `slots` as far as there is room, then runs `done`; never waits.
    func flush(_ slots: [TickSlot], then done: @Sendable () -> Void)
    /// The job beats no more.
    func forget(_ key: Int)
}

/// Who is told that a slot has something to send. From any thread, nearly free.
protocol TickTaker: Sendable {
    func list(_ slot: TickSlot)
}

/// A job that begins here.
struct JobOpening: Sendable {
    let id: JobID
    let start: ProgressEvent
    let attempt: Int
    let bulk: BulkID?
    let heartbeat: Duration
    let cancellation: CancelFlag
}

/// What a job says at one moment: the latest values of some stages, then a word.
struct Speech<Value: Sendable>: Sendable {
    let key: Int
    var slots: [TickSlot] = []
    var event: ProgressEvent?
    /// The job says nothing after this.
    var isLast = false
    /// Runs under the lock once all of it is in.
    let taken: @Sendable () -> Value
}

extension Backing {
    /// Checks an event and puts it in.
    func publish(_ event: ProgressEvent, called subject: String) async throws {
        if let fault = event.fault { throw HeadwayError(fault, in: subject) }
        try await publish(event)
    }
}
