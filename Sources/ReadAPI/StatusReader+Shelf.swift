import HeadwayCore
package import HeadwayWire
import Redis

extension StatusReader {
    /// Stores a pipeline document: as a new revision, or not at all when the latest says the same.
    ///
    /// - Returns: where it stands now.
    package func put(_ document: PipelineDocument) async throws(ReadError) -> PipelineShelf.Placement {
        // Somebody else may take the number in between; then look again.
        for _ in 0..<5 {
            let placement = try await pipelines().placement(of: document)
            guard case .new(let reference) = placement else { return placement }
            var fields = FieldBuffer()
            PipelineShelf.encode(document.revised(as: reference.revision), into: &fields)
            var batch = CommandBatch()
            batch.begin("HSETNX", argumentCount: 1 + 2 * fields.count)
            batch.append(keyspace.pipelines)
            for (name, value) in fields {
                batch.append(name)
                batch.append(value)
            }
            if try await ask(batch)[0].integer == 1 {
                _ = try await pipelines()
                return placement
            }
        }
        throw .unreadable(key: keyspace.pipelines, detail: "five writers were faster; try again")
    }
}
