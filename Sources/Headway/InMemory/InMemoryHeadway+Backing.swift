import HeadwayCore
import HeadwayWire

/// Words are folded where they are said.
extension InMemoryHeadway: Backing {
    // MARK: Definitions

    func definition<Contract: PipelineContract>(of contract: Contract.Type) async throws -> Pipeline {
        try store.withState { state throws(HeadwayError) in
            if let known = state.checked[Contract.name] { return known }
            let latest = try state.definition(PipelineName(name: Contract.name))
            let stages = Contract.Stage.allCases.map(\.rawValue)
            if let difference = ContractDifference(stages: stages, definition: latest) {
                throw difference.error(latest.reference)
            }
            state.checked[Contract.name] = latest
            return latest
        }
    }

    func definition(named text: String) async throws -> Pipeline {
        guard let name = PipelineName(text) else { throw HeadwayError.id(text, of: "pipeline") }
        return try store.withState { state throws(HeadwayError) in try state.definition(name) }
    }

    func definition(_ reference: Pipeline.Reference) -> Pipeline? {
        store.withState { $0.catalog[reference] }
    }

    // MARK: Words

    func partition(of id: JobID) -> Int { 0 }

    func publish(_ event: ProgressEvent) async throws {
        try checkOpen()
        try store.withState { state throws(HeadwayError) in try state.hear(event) }
    }

    func open(_ opening: JobOpening) async throws -> Int {
        try checkOpen()
        return try store.withState { [worker, number] state throws(HeadwayError) in
            try state.begin(opening, worker: worker, owner: number)
        }
    }

    func say<Value: Sendable>(
        obeysCancellation: Bool, _ draft: @Sendable () throws(HeadwayError) -> Speech<Value>
    ) async throws -> Value {
        try checkOpen()
        return try store.withState { state throws(HeadwayError) in
            let speech = try draft()
            for slot in speech.slots { state.flush(slot) }
            if let event = speech.event {
                try state.hear(event)
                state.open[speech.key]?.beatAt = state.now
            }
            if speech.isLast { state.forget(speech.key) }
            return speech.taken()
        }
    }

    func flush(_ slots: [TickSlot], then done: @Sendable () -> Void) {
        store.withState { state in
            for slot in slots { state.flush(slot) }
            done()
        }
    }

    var ticks: any TickTaker { store }

    func forget(_ key: Int) { store.withState { $0.forget(key) } }

    // MARK: What is known

    func record(of id: JobID, within limit: Duration, waits: Bool) async throws -> JobRecord? {
        store.withState { $0.lines[id]?.record }
    }
}

extension MemoryState {
    fileprivate func definition(_ name: PipelineName) throws(HeadwayError) -> Pipeline {
        if let known = catalog[name] { return known }
        let names = catalog.latest.map(\.name)
        let others =
            names.isEmpty ? "none is" : names.joined(separator: ", ") + (names.count == 1 ? " is" : " are")
        throw HeadwayError(
            .unknownPipeline,
            "No definition of pipeline \(name) is applied in this memory (\(others)): give it to the "
                + "initializer, or call apply(_:).")
    }
}
