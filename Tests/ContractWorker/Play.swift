import Headway

/// A worker of one job that does through the library what it is told, one order at a time.
///
///     ContractWorker play PIPELINE REDIS JOB ORDERS
///
/// An order is a line of ORDERS: an event's type and its fields (`name=value`), separated by tabs. Each is one call of
/// the typed library: `stage.started` runs a stage, what follows is said inside of it. After each it says `did N`, once
/// what it said is on its way.
struct Play<Contract: PipelineContract> {
    let headway: Headway
    let id: String
    let orders: Orders

    struct Misplaced: Error {
        let order: Order
    }

    /// From the first order to the end of the job.
    func run(_ first: Order) async throws {
        var order: Order? = first
        if let queued = order, queued.type == "job.queued" {
            try await headway.queue(
                Contract.self, id: id, in: queued["bulk"], label: queued["label"],
                attributes: queued.attributes, tokenDigest: queued["token"])
            order = try await done()
        }
        guard let started = order else { return }
        guard started.type == "job.started" else { throw Misplaced(order: started) }
        let job = try await headway.start(
            Contract.self, id: id, in: started["bulk"], attempt: started.number("attempt"),
            attributes: started.attributes, tokenDigest: started["token"])
        var next = try await done()
        while let order = next { next = try await perform(order, job, inside: nil) }
    }

    /// What was said is on its way; the next order.
    private func done() async throws -> Order? {
        try await headway.flush()
        orders.confirm()
        return await orders.next()
    }

    /// - Returns: the next order; nil at the end.
    private func perform(_ order: Order, _ job: Job<Contract>, inside stage: StageHandle?) async throws
        -> Order?
    {
        switch order.type {
        case "stage.started":
            guard let stage = order["stage"].flatMap(Contract.Stage.init(rawValue:)) else {
                throw Misplaced(order: order)
            }
            // A later stage begins inside the body of this one, as workers do that report from nested functions.
            var next: Order?
            try await job.run(
                stage, index: order.number("index"), of: order.number("of"), message: order["message"]
            ) { handle in
                next = try await body(handle, job)
            }
            guard let order = next else { return nil }
            return order.type == "stage.completed" ? try await done() : order
        case "stage.progressed":
            guard let stage else { throw Misplaced(order: order) }
            if let name = order["substep"], let done = order.number("done"), let total = order.number("total")
            {
                stage.substep(name, done, of: total)
            } else if let done = order.number("done"), let total = order.number("total") {
                stage.report(done, of: total, order["message"])
            } else if let percent = order["percent"].flatMap(Double.init) {
                stage.report(percent: percent, order["message"])
            }
        case "job.completed": try await job.complete(result: order["result"], message: order["message"])
        case "job.failed": try await job.fail(order["message"] ?? "", code: order["code"])
        default: throw Misplaced(order: order)
        }
        return try await done()
    }

    /// - Returns: the order that ended it; nil when the job has ended.
    private func body(_ handle: StageHandle, _ job: Job<Contract>) async throws -> Order? {
        var next = try await done()
        while let order = next {
            if order.type == "stage.completed" {
                if let message = order["message"] { handle.report(percent: 100, message) }
                if let checkpoint = order["checkpoint"] { handle.checkpoint(checkpoint) }
                return order
            }
            next = try await perform(order, job, inside: handle)
        }
        return nil
    }
}

/// One event, as it was ordered.
struct Order: Sendable {
    let type: String
    let fields: [String: String]

    init(line: String) {
        let parts = line.split(separator: "\t", omittingEmptySubsequences: false)
        type = String(parts[0])
        var fields: [String: String] = [:]
        for part in parts.dropFirst() {
            guard let equals = part.firstIndex(of: "=") else { continue }
            fields[String(part[..<equals])] = String(part[part.index(after: equals)...])
        }
        self.fields = fields
    }

    subscript(name: String) -> String? { fields[name] }
    func number(_ name: String) -> Int? { fields[name].flatMap { Int($0) } }

    var attributes: [String: String] {
        fields.reduce(into: [:]) { found, field in
            if field.key.hasPrefix("attr.") { found[String(field.key.dropFirst(5))] = field.value }
        }
    }
}

/// The lines of a file that grows, one after the other.
final class Orders {
    private let path: String
    private var taken = 0

    init(path: String) { self.path = path }

    /// Waits for the next line; nil when none comes within a minute, or it is `end`.
    func next() async -> Order? {
        for _ in 0..<12_000 {
            let lines = ContractWorker.text(of: path).split(separator: "\n", omittingEmptySubsequences: true)
            if lines.count > taken {
                taken += 1
                let line = String(lines[taken - 1])
                return line == "end" ? nil : Order(line: line)
            }
            try? await Task.sleep(for: .milliseconds(5))
        }
        return nil
    }

    func confirm() { ContractWorker.say("did \(taken)") }
}
