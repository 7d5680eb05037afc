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
        /// The revision that each contract, by its type, was found to fit.
        var checked: [ObjectIdentifier: Pipeline] = [:]
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
        let (name, type) = (contract.name, ObjectIdentifier(contract))
        if let known = state.withLock({ $0.checked[type] }) { return known }
        let stages = contract.Stage.allCases.map(\.rawValue)
        if let fit = fitting(name, stages, type) { return fit }
        try await readAgain()
        if let fit = fitting(name, stages, type) { return fit }
        let latest = try known(PipelineName(name: name))
        throw ContractDifference(stages: stages, definition: latest)?.error(latest.reference)
            ?? HeadwayError(.contractMismatch, "The definition of \(name) changes at this moment: try again.")
    }

    private func fitting(_ name: String, _ stages: [String], _ type: ObjectIdentifier) -> Pipeline? {
        state.withLock { state in
            guard let latest = state.catalog.latest(name),
                ContractDifference(stages: stages, definition: latest) == nil
            else { return nil }
            state.checked[type] = latest
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
