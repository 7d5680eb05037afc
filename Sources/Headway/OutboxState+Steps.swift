import HeadwayCore
import HeadwayWire
import Redis

/// What the courier does next, and what came of it.
extension OutboxState {
    enum Step: Sendable {
        case ship(Shipment)
        case look(Inquiry)
        /// Nothing to do until then, or until it rings.
        case rest(until: Duration)
        case finish
    }

    /// One write: beats first, then at most one run per partition, each run all or none.
    struct Shipment: Sendable {
        var batch = CommandBatch()
        var beats = 0
        var parcels: [SendQueue<CommandBatch>.Parcel] = []
    }

    /// One round trip of questions: the applied marks, and who shall be cancelled.
    struct Inquiry: Sendable {
        enum Question: Sendable {
            case mark(partition: Int, source: String)
            /// The job's flag, and the attempt that it was asked of.
            case cancelJob(Int)
            /// A bulk's flag for all of these jobs.
            case cancelBulk([Int])
        }

        var batch = CommandBatch()
        var questions: [Question] = []
    }

    enum Verdict: Sendable, Equatable {
        case delivered
        /// Refused, and that passes: again later, on this connection.
        case refused(RedisError)
        /// The server is not what it was: again on another connection.
        case lost(RedisError)
    }

    mutating func step(_ arrivals: [TickSlot], at now: Duration) -> Step {
        if phase == .finished { return .finish }
        pumpTicks(arrivals, at: now)
        if needsLook, now >= nextLook { return .look(inquiry(at: now)) }
        guard now >= restUntil else { return .rest(until: min(restUntil, needsLook ? nextLook : restUntil)) }
        var shipment = Shipment()
        beats(at: now, into: &shipment.batch)
        shipment.beats = shipment.batch.count
        shipment.parcels = queue.next(at: now)
        for parcel in shipment.parcels { pack(parcel, into: &shipment.batch) }
        return shipment.batch.isEmpty ? .rest(until: nextWork(after: now)) : .ship(shipment)
    }

    private func pack(_ parcel: SendQueue<CommandBatch>.Parcel, into batch: inout CommandBatch) {
        // A run must not be torn: if its first part were refused and its second taken, the first part would be
        // taken for old when it comes again.
        if parcel.run.count > 1 { batch.add("MULTI") }
        let sender = queue.senders[parcel.partition]
        for number in parcel.run.first...parcel.run.last { batch.append(sender.backlog[number].item) }
        if parcel.run.count > 1 { batch.add("EXEC") }
    }

    private func nextWork(after now: Duration) -> Duration {
        var next = now + .seconds(60)
        if needsLook { next = min(next, nextLook) }
        if !jobs.isEmpty { next = min(next, nextBeats) }
        for candidate in listed { next = min(next, candidate.due) }
        for sender in queue.senders { if let until = sender.parkedUntil { next = min(next, until) } }
        return max(next, now + .milliseconds(1))
    }

    // MARK: Shipments

    mutating func settle(_ shipment: Shipment, _ replies: [RESPValue], at now: Duration) -> Verdict {
        var verdict = Verdict.delivered
        var place = shipment.beats
        for reply in replies.prefix(shipment.beats) {
            if let text = reply.error { note(RedisError.refusal(text, command: "XADD"), in: &verdict) }
        }
        counters.sent += Int64(shipment.parcels.reduce(0) { $0 + $1.run.count })
        for parcel in shipment.parcels {
            let span = parcel.run.count == 1 ? 1 : parcel.run.count + 2
            let answer = replies[place..<min(place + span, replies.count)]
            place += span
            guard let error = Self.error(in: answer) else {
                queue.acknowledge(parcel)
                continue
            }
            if error.outcome == .fatal {
                queue.park(parcel, until: now + settings.parking)
            } else {
                queue.refuse(parcel)
            }
            note(error, in: &verdict)
        }
        if verdict == .delivered, !shipment.parcels.isEmpty,
            queue.senders.allSatisfy({ $0.parkedUntil == nil })
        {
            fault = nil
        }
        return verdict
    }

    private mutating func note(_ error: RedisError, in verdict: inout Verdict) {
        counters.refused += 1
        if error.outcome == .fatal {
            fault = HeadwayError(error)
        } else if error.saysServerChanged {
            verdict = .lost(error)
        } else if verdict == .delivered {
            verdict = .refused(error)
        }
    }

    /// What one run was refused for; nil when all of it is stored.
    private static func error(in answer: ArraySlice<RESPValue>) -> RedisError? {
        var aborted: RedisError?
        for reply in answer {
            guard let text = reply.error else { continue }
            let error = RedisError.refusal(text, command: "XADD")
            // Only says that a command before it was refused, and that one says why.
            guard text.hasPrefix("EXECABORT") else { return error }
            aborted = error
        }
        if let aborted { return aborted }
        guard answer.count > 1, let last = answer.last else { return nil }
        guard let elements = last.elements else {
            return RedisError(.connectionLost, command: "EXEC", detail: "the transaction was dropped")
        }
        for element in elements { if let text = element.error { return .refusal(text, command: "XADD") } }
        return nil
    }

    // MARK: Looks

    var needsLook: Bool { !queue.isEmpty || !jobs.isEmpty }

    private mutating func inquiry(at now: Duration) -> Inquiry {
        nextLook = now + (phase == .closing ? settings.lastLooks : settings.looks)
        var inquiry = marks()
        let keyspace = settings.keyspace
        var shares: [String: [Int]] = [:]
        for (key, job) in jobs where !job.cancellation.isSet {
            inquiry.ask(
                .cancelJob(key), keyspace.job(job.partition, job.id), JobField.cancel.name,
                JobField.attempt.name)
            if let bulk = job.bulk { shares[keyspace.bulk(job.partition, bulk), default: []].append(key) }
        }
        for (share, keys) in shares { inquiry.ask(.cancelBulk(keys), share, ShareField.cancelling.name) }
        return inquiry
    }

    /// The question for the mark of every partition that keeps something.
    func marks() -> Inquiry {
        var inquiry = Inquiry()
        for (partition, sender) in queue.senders.enumerated()
        where !sender.backlog.isEmpty && !leaving.contains(partition) {
            inquiry.ask(
                .mark(partition: partition, source: sender.source), settings.keyspace.sources(partition),
                sender.source)
        }
        return inquiry
    }

    mutating func hear(_ inquiry: Inquiry, _ replies: [RESPValue], at now: Duration) -> Verdict {
        var verdict = Verdict.delivered
        for (question, reply) in zip(inquiry.questions, replies) {
            if let text = reply.error {
                note(RedisError.refusal(text, command: "HGET"), in: &verdict)
                continue
            }
            switch question {
            case .mark(let partition, let source):
                // A look that was on its way when the source went would read a mark that has fallen to nothing.
                guard !leaving.contains(partition), queue.senders[partition].source == source,
                    let mark = Self.mark(reply)
                else { continue }
                queue.see(mark, of: partition, at: now)
            case .cancelJob(let key):
                guard let job = jobs[key], let fields = reply.elements, fields.count == 2,
                    fields[0].string == "1"
                else { continue }
                // What was asked of an earlier attempt is not meant for this one, whose start is on its way.
                let attempt = fields[1].string.flatMap { Int($0) } ?? 1
                if attempt >= job.attempt { job.cancellation.set() }
            case .cancelBulk(let keys):
                guard reply.string == "1" else { continue }
                for key in keys { jobs[key]?.cancellation.set() }
            }
        }
        return verdict
    }

    /// A new connection: `replies` answer ``marks()``.
    mutating func connect(_ inquiry: Inquiry, _ replies: [RESPValue], at now: Duration) throws(RedisError) {
        var marks = queue.senders.map(\.mark)
        for (question, reply) in zip(inquiry.questions, replies) {
            if let text = reply.error { throw RedisError.refusal(text, command: "HGET") }
            guard case .mark(let partition, _) = question, !leaving.contains(partition),
                let mark = Self.mark(reply)
            else { continue }
            marks[partition] = mark
        }
        queue.reconnect(marks: marks, at: now)
        isConnected = true
        restUntil = now
        nextLook = min(nextLook, now + settings.looks)
        if counters.connections > 0 { makeBeatsDue(at: now) }
        counters.connections += 1
        if fault?.code == .denied || fault?.code == .unfit { fault = nil }
    }

    mutating func disconnect(_ error: RedisError) {
        isConnected = false
        if error.outcome == .fatal { fault = HeadwayError(error) }
    }

    /// - Returns: 0 when there is none; nil when it cannot be read.
    private static func mark(_ reply: RESPValue) -> Int64? {
        guard let text = reply.bytes else { return 0 }
        return try? SourceMark(text: text).id
    }
}

extension OutboxState.Inquiry {
    fileprivate mutating func ask(_ question: Question, _ key: String, _ fields: String...) {
        batch.begin(fields.count == 1 ? "HGET" : "HMGET", argumentCount: 1 + fields.count)
        batch.append(key)
        for field in fields { batch.append(field) }
        questions.append(question)
    }
}

extension RedisError {
    /// A refusal after which what this server has acknowledged is in doubt, or which only another connection mends.
    fileprivate var saysServerChanged: Bool {
        guard code == .commandRejected else { return true }
        return ["READONLY", "MOVED", "ASK", "CLUSTERDOWN", "MASTERDOWN", "LOADING", "UNBLOCKED"]
            .contains { detail.hasPrefix($0) }
    }
}
