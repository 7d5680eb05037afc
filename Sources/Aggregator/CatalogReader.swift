import EventLoop
import HeadwayCore
import HeadwayWire
import Redis
import Synchronization

/// The pipelines as last read from Redis; shared by all partitions of an instance.
///
/// Revisions never change, so what is known stays true. It is read again when an event names a pipeline that
/// is not known, before anything is refused, and once a second, so that a new revision is the latest soon.
final class CatalogReader: Sendable {
    private let keyspace: Keyspace
    private let catalog = Mutex(PipelineCatalog())

    init(keyspace: Keyspace) { self.keyspace = keyspace }

    var known: PipelineCatalog { catalog.withLock { $0 } }

    /// One round trip; the reply replaces what was known.
    func refresh(_ send: (CommandBatch) async throws -> [RESPValue]) async throws {
        var batch = CommandBatch()
        batch.add("HGETALL", keyspace.pipelines)
        let replies = try await send(batch)
        if let error = batch.firstError(in: replies) { throw error }
        let read = PipelineShelf(fields: replies[0].pairs).catalog
        catalog.withLock { $0 = read }
    }
}
