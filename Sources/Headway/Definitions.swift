import EventLoop
import HeadwayCore
import HeadwayWire
import Redis
import Synchronization

/// The pipeline definitions that are applied in the namespace, as last read.
///
/// They are read when connecting, and again when a contract is used that they do not fit. A contract that fits
/// once keeps its revision: revisions never change, so nothing about it can go wrong later.
final class Definitions: Sendable {
    private struct State: Sendable {
        var catalog = PipelineCatalog()
        var problems: [PipelineProblem] = []
        /// The revision that each contract, by name, was found to fit.
        var checked: [String: Pipeline] = [:]
    }

    private let state = Mutex(State())
    private let keyspace: Keyspace
    private let outbox: Outbox
    private let courier: Courier

    init(outbox: Outbox, courier: Courier) {
        keyspace = outbox.keyspace
        self.outbox = outbox
        self.courier = courier
    }

    /// - Parameter reply: to `HGETALL` of the definitions.
    func take(_ reply: RESPValue) {
        guard let elements = reply.elements else { return }
        let shelf = PipelineShelf(fields: FieldBuffer(elements))
        state.withLock {
            $0.catalog = shelf.catalog
            $0.problems = shelf.problems
        }
    }

    private func readAgain() async throws {
        var batch = CommandBatch()
        batch.add("HGETALL", keyspace.pipelines)
        do {
            let replies = try await outbox.asking { try await courier.ask(batch, within: .seconds(5)) }
            if let error = batch.firstError(in: replies) { throw error }
            take(replies[0])
        } catch let error as RedisError {
            throw HeadwayError(error)
        }
    }

    subscript(reference: Pipeline.Reference) -> Pipeline? { state.withLock { $0.catalog[reference] } }

    /// The definition that a contract follows: checked once, the latest revision by then.
    func definition(of contract: (some PipelineContract).Type) async throws -> Pipeline {
        let name = contract.name
        if let known = state.withLock({ $0.checked[name] }) { return known }
        let stages = contract.Stage.allCases.map(\.rawValue)
        if let fit = fitting(name, stages) { return fit }
        try await readAgain()
        if let fit = fitting(name, stages) { return fit }
        let latest = try known(PipelineName(name: name))
        throw ContractDifference(stages: stages, definition: latest)?.error(latest.reference)
            ?? HeadwayError(.contractMismatch, "The definition of \(name) changes at this moment: try again.")
    }

    private func fitting(_ name: String, _ stages: [String]) -> Pipeline? {
        state.withLock { state in
            guard let latest = state.catalog.latest(name),
                ContractDifference(stages: stages, definition: latest) == nil
            else { return nil }
            state.checked[name] = latest
            return latest
        }
    }

    /// The definition called `name` or `name@revision`.
    func definition(named text: String) async throws -> Pipeline {
        guard let name = PipelineName(text) else { throw HeadwayError.id(text, of: "pipeline") }
        if let known = state.withLock({ $0.catalog[name] }) { return known }
        try await readAgain()
        return try known(name)
    }

    private func known(_ name: PipelineName) throws(HeadwayError) -> Pipeline {
        let (pipeline, all, problems) = state.withLock { ($0.catalog[name], $0.catalog.latest, $0.problems) }
        if let pipeline { return pipeline }
        if let problem = problems.first(where: { $0.file.hasPrefix("\(name.name)@") }) {
            throw HeadwayError(.unknownPipeline, "The definition of \(name) cannot be read: \(problem).")
        }
        let others =
            all.isEmpty
            ? "none is" : all.map(\.name).joined(separator: ", ") + (all.count == 1 ? " is" : " are")
        throw HeadwayError(
            .unknownPipeline,
            "No definition of pipeline \(name) is applied in namespace \(keyspace.namespace) (\(others)): "
                + "write it as JSON and run `headway pipelines apply FILE`.")
    }
}
