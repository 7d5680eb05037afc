import Headway
import HeadwayWire
import Redis

/// What waits in a spool directory, compared with what Redis says is applied.
enum DoctorSpools {
    static func look(
        _ path: String, _ keyspace: Keyspace, over connection: RedisConnection, into facts: inout DoctorFacts
    ) async throws(RedisError) {
        facts.spoolDirectory = path
        let glances: [SpoolDirectory.Glance]
        do throws(HeadwayError) {
            glances = try SpoolDirectory(at: path).glances(keyspace)
        } catch {
            facts.spoolProblem = error.description
            return
        }
        for glance in glances {
            var spool = DoctorFacts.Spool(
                name: glance.name, events: glance.events, unapplied: 0, isHeld: glance.isHeld,
                isForeign: glance.isForeign, isPutAside: glance.isPutAside, damages: glance.damages,
                problem: glance.problem)
            if !glance.isForeign {
                for end in glance.ends {
                    let reply = try await connection.send("HGET", keyspace.sources(end.partition), end.source)
                    let mark = reply.bytes.flatMap { try? SourceMark(text: $0).id } ?? 0
                    spool.unapplied += min(max(0, end.number - mark), end.count)
                }
            }
            facts.spools.append(spool)
        }
    }
}
