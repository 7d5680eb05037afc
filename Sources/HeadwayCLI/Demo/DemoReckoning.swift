import HeadwayWire

/// What Headway says of the demo's bulk beside what is on the disk: two counts that know nothing of each other.
struct DemoReckoning: Sendable, Equatable {
    /// As any client gets it: over HTTP.
    struct Aggregate: Sendable, Equatable {
        var phase: String
        var total: Int
        var registered: Int
        var completed: Int
        var failed: Int
        /// Queued, running or cancelled: none of it may be left.
        var rest: Int
        var completedJobs: Set<String> = []
        var failedJobs: Set<String> = []
    }

    /// What was given, and what can be read.
    struct Disk: Sendable, Equatable {
        var files: Int
        /// The jobs whose page exists.
        var pages: Set<String>
        /// The jobs whose page does not.
        var missing: Set<String>
    }

    let aggregate: Aggregate
    let disk: Disk

    /// Every difference, as a sentence; empty when they agree to the unit, job by job.
    var differences: [String] {
        var found: [String] = []
        func compare(_ what: String, _ said: Int, _ is: Int) {
            if said != `is` { found.append("\(what): Headway says \(said), on disk it is \(`is`)") }
        }
        compare("total", aggregate.total, disk.files)
        compare("registered", aggregate.registered, disk.files)
        compare("completed", aggregate.completed, disk.pages.count)
        compare("failed", aggregate.failed, disk.missing.count)
        compare("neither completed nor failed", aggregate.rest, 0)
        if aggregate.phase != "settled" { found.append("the bulk is \(aggregate.phase), not settled") }
        for job in aggregate.completedJobs.symmetricDifference(disk.pages).sorted().prefix(5) {
            found.append("\(job): its page and its status do not agree")
        }
        for job in aggregate.failedJobs.symmetricDifference(disk.missing).sorted().prefix(5) {
            found.append("\(job): it has no page, and is not among the failed")
        }
        return found
    }

    /// Asks the API for the bulk and all its members.
    static func ask(_ probe: HTTPProbe, bulk: String) async throws -> Aggregate {
        let json = try await probe.json("/v1/bulks/\(bulk)")
        func count(_ name: String) throws(Failure) -> Int {
            guard let number = json["counts"]?[name]?.integer else {
                throw Failure("the bulk's answer has no \(name)")
            }
            return number
        }
        var aggregate = Aggregate(
            phase: json["phase"]?.string ?? "", total: json["total"]?.integer ?? -1,
            registered: try count("registered"),
            completed: try count("completed"), failed: try count("failed"),
            rest: try count("queued") + count("running") + count("cancelled"))
        aggregate.completedJobs = try await members(probe, bulk, "completed")
        aggregate.failedJobs = try await members(probe, bulk, "failed")
        return aggregate
    }

    private static func members(_ probe: HTTPProbe, _ bulk: String, _ status: String) async throws -> Set<
        String
    > {
        var ids: Set<String> = []
        var cursor: String?
        repeat {
            let place = cursor.map { "&cursor=\($0)" } ?? ""
            let json = try await probe.json("/v1/bulks/\(bulk)/jobs?status=\(status)&limit=100\(place)")
            guard case .array(let jobs)? = json["jobs"] else {
                throw Failure("the members' answer has no jobs")
            }
            for job in jobs { if let id = job["id"]?.string { ids.insert(id) } }
            cursor = json["next"]?.string
        } while cursor != nil
        return ids
    }
}

extension JSON {
    var integer: Int? {
        guard case .number(let text) = self else { return nil }
        return Int(text)
    }
}
