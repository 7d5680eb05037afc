/// What a worker's code talks to, wherever its words go: ``Headway`` (Redis) or ``InMemoryHeadway`` (this process).
///
///     func write(_ article: String, on headway: some HeadwayBus) async throws {
///         let job = try await headway.start(Article.self, id: article)
///         try await job.run(.research) { stage in … }
///         try await job.complete()
///     }
///
/// The calls, the `Job`, `StageHandle` and `Bulk` that they give, the errors and the rules are the same code on
/// both, so that what a test has seen in memory is what Redis will show.
public protocol HeadwayBus: Sendable {
    /// Who works here, as shown beside a job.
    var worker: String { get }
    /// What is behind it. Only the buses of this library have one.
    var backing: BusBacking { get }

    /// Waits until all that was said up to now is stored, the latest progress values included.
    func flush(within limit: Duration) async throws
    /// Ends publishing: lifecycle calls then throw `closed`, and open jobs beat no more.
    func close(within limit: Duration) async throws
}

extension HeadwayBus {
    /// As `flush(within:)`, for at most 5 s.
    public func flush() async throws { try await flush(within: .seconds(5)) }
    /// As `close(within:)`, for at most 5 s.
    public func close() async throws { try await close(within: .seconds(5)) }

    var behind: any Backing { backing.behind }
}

/// The inside of a bus.
public struct BusBacking: Sendable {
    let behind: any Backing

    init(_ behind: any Backing) { self.behind = behind }
}
