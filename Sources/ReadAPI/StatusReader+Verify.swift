package import HeadwayCore
import HeadwayWire
import Redis

/// Something stored that should not be so.
package struct Finding: Sendable, Equatable, CustomStringConvertible {
    package enum Subject: Sendable, Equatable {
        case share(BulkID)
        case member(JobID, of: BulkID)
        case partition
    }

    package let partition: Int
    package let subject: Subject
    package let detail: String

    package var description: String {
        switch subject {
        case .share(let bulk): "bulk \(bulk), partition \(partition): \(detail)"
        case .member(let job, let bulk): "job \(job) of bulk \(bulk), partition \(partition): \(detail)"
        case .partition: "partition \(partition): \(detail)"
        }
    }
}

extension StatusReader {
    /// Which bulks have a share in the partition, as far as home partitions list them.
    package func allBulks() async throws(ReadError) -> [BulkID] {
        var batch = CommandBatch()
        for partition in 0..<keyspace.partitions {
            batch.add("ZRANGE", keyspace.bulks(partition), "0", "-1")
        }
        var bulks: Set<BulkID> = []
        for reply in try await ask(batch) {
            for id in reply.elements?.compactMap({ $0.string.flatMap { BulkID($0) } }) ?? [] {
                bulks.insert(id)
            }
        }
        return bulks.sorted()
    }

    /// Compares a bulk's shares with the index of their members, each partition at one moment.
    ///
    /// - Complexity: five counts by Redis a partition, whatever the size of the bulk.
    package func verify(_ bulk: BulkID) async throws(ReadError) -> [Finding] {
        var findings: [Finding] = []
        let width = JobState.Status.allCases.count
        for partition in 0..<keyspace.partitions {
            var batch = CommandBatch()
            batch.add("MULTI")
            batch.add("HGETALL", keyspace.bulk(partition, bulk))
            for status in JobState.Status.allCases {
                let range = MemberScore.range(of: status)
                batch.add("ZCOUNT", keyspace.members(partition, bulk), range.min, range.max)
            }
            batch.add("EXEC")
            let replies = try await ask(batch)
            let seen = replies[replies.count - 1].elements.map(Array.init) ?? []
            guard seen.count == 1 + width else { continue }
            var counted = BulkCounts()
            for (status, reply) in zip(JobState.Status.allCases, seen[1...]) {
                counted[status] = reply.number ?? 0
            }
            guard let elements = seen[0].elements, elements.count > 0 else {
                // A settled bulk's shares and members expire together.
                if counted.registered > 0 {
                    findings.append(
                        Finding(
                            partition: partition, subject: .share(bulk),
                            detail: "\(counted.registered) members and no share"))
                }
                continue
            }
            let share = try share(bulk, partition, seen[0])
            for status in JobState.Status.allCases where share.counts[status] != counted[status] {
                findings.append(
                    Finding(
                        partition: partition, subject: .share(bulk),
                        detail:
                            "tells \(share.counts[status]) \(status.rawValue), its members are \(counted[status])"
                    ))
            }
        }
        return findings
    }

    /// Compares every member's place in the index with what its own hash says, a slice at one moment; and looks
    /// whether open ones are watched for silence.
    ///
    /// - Complexity: O(members), 500 a round trip.
    package func verifyMembers(of bulk: BulkID) async throws(ReadError) -> (members: Int, findings: [Finding])
    {
        var findings: [Finding] = []
        var members = 0
        for partition in 0..<keyspace.partitions {
            var list = CommandBatch()
            list.add("ZRANGE", keyspace.members(partition, bulk), "0", "-1")
            let listed = try await ask(list)[0].elements?.compactMap { $0.string.flatMap { JobID($0) } } ?? []
            for start in stride(from: 0, to: listed.count, by: 500) {
                let slice = Array(listed[start..<min(start + 500, listed.count)])
                members += slice.count
                findings += try await verify(slice, of: bulk, in: partition)
            }
        }
        return (members, findings)
    }

    private func verify(
        _ slice: [JobID], of bulk: BulkID, in partition: Int
    ) async throws(ReadError) -> [Finding] {
        var batch = CommandBatch()
        batch.add("MULTI")
        for id in slice {
            batch.add("ZSCORE", keyspace.members(partition, bulk), id.description)
            batch.add("ZSCORE", keyspace.active(partition), id.description)
            Self.ask(for: id, partition, keyspace, into: &batch)
        }
        batch.add("EXEC")
        let replies = try await ask(batch)
        let seen = replies[replies.count - 1].elements.map(Array.init) ?? []
        var findings: [Finding] = []
        guard seen.count == 4 * slice.count else { return findings }
        for (place, id) in slice.enumerated() {
            let score = seen[4 * place].bytes.flatMap { MemberScore($0) }
            // What left the index since it was listed is no finding.
            guard let score else { continue }
            let isWatched = !seen[4 * place + 1].isNull
            let record: JobRecord
            do throws(ReadError) {
                record = try self.record(of: id, partition, seen[4 * place + 2], seen[4 * place + 3])
            } catch {
                findings.append(
                    Finding(
                        partition: partition, subject: .member(id, of: bulk), detail: "is set aside: \(error)"
                    ))
                continue
            }
            let status: JobState.Status? =
                switch record {
                case .job(let job): job.status
                case .expired(let tombstone): tombstone.status
                case .unknown, .placeholder: nil
                }
            func find(_ detail: String) {
                findings.append(Finding(partition: partition, subject: .member(id, of: bulk), detail: detail))
            }
            if let status, status != score.status {
                find("is \(status.rawValue), the index has it as \(score.status.rawValue)")
            }
            if status == nil, !score.status.isTerminal {
                find("is \(score.status.rawValue) and has no state")
            }
            if status?.isTerminal == false, !isWatched { find("is open and nobody waits for its silence") }
        }
        return findings
    }

    /// What the partitions themselves show: halted, unread entries removed, a checkpoint beyond the stream.
    package func verifyPartitions() async throws(ReadError) -> [Finding] {
        let standings = try await aggregators().partitions
        return standings.flatMap { standing -> [Finding] in
            func finding(_ detail: String) -> Finding {
                Finding(partition: standing.partition, subject: .partition, detail: detail)
            }
            var findings: [Finding] = []
            if standing.isHalted { findings.append(finding("halted until a person has looked")) }
            if let lost = standing.control?.lost, lost > 0 {
                findings.append(finding("\(lost) events were lost before they were applied"))
            }
            return findings
        }
    }

    /// Appends `bulk.recount` to the streams of `partitions`: their owners count the members anew.
    package func askForRecount(of bulk: BulkID, in partitions: [Int]) async throws(ReadError) {
        var fields = FieldBuffer()
        ProgressEvent(bulk, .recount).encode(into: &fields)
        var batch = CommandBatch()
        for partition in partitions {
            batch.begin("XADD", argumentCount: 2 + 2 * fields.count)
            batch.append(keyspace.events(partition))
            batch.append("*")
            for (name, value) in fields {
                batch.append(name)
                batch.append(value)
            }
        }
        _ = try await ask(batch)
    }

    private func share(_ bulk: BulkID, _ partition: Int, _ reply: RESPValue) throws(ReadError) -> BulkShare {
        do {
            return try BulkShare(id: bulk, fields: reply.pairs)
        } catch {
            throw .unreadable(key: keyspace.bulk(partition, bulk), detail: "\(error)")
        }
    }
}
