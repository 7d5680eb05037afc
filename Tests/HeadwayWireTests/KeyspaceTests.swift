import HeadwayCore
import Testing

@testable import HeadwayWire

@Suite("Keyspace")
struct KeyspaceTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        let text: String
        let crc: UInt16
        var testDescription: String { "\"\(text)\" is \(crc)" }
    }

    /// From Python: `binascii.crc_hqx(text, 0)`.
    static let vectors = [
        Vector(text: "", crc: 0), Vector(text: "123456789", crc: 0x31c3),
        Vector(text: "article-42", crc: 37654),
        Vector(text: "spring", crc: 2169), Vector(text: "book:7", crc: 57905),
        Vector(text: "A.b_c:d@e-f", crc: 32912),
        Vector(text: String(repeating: "x", count: 200), crc: 9756),
    ]

    @Test("agrees with binascii.crc_hqx", arguments: vectors)
    func checksum(_ vector: Vector) {
        #expect(CRC16.checksum(vector.text.utf8) == vector.crc)
    }

    @Test("an id belongs to the remainder of its checksum", arguments: [1, 2, 8, 100, 1024])
    func partition(count: Int) throws {
        let keys = try Keyspace(partitions: count)
        let job = try #require(JobID("article-42"))
        let bulk = try #require(BulkID("spring"))
        #expect(keys.partition(of: job) == 37654 % count)
        #expect(keys.partition(of: bulk) == 2169 % count)
        #expect(keys.partition(of: .job(job)) == keys.partition(of: job))
        #expect(keys.partition(of: .bulk(bulk)) == keys.partition(of: bulk))
    }

    @Test("a partition's keys share its hash tag, and the id comes last")
    func keys() throws {
        let keys = try Keyspace(namespace: "hw", partitions: 8)
        let job = try #require(JobID("a:b@c"))
        let bulk = try #require(BulkID("s:1"))
        #expect(
            [
                keys.events(3), keys.control(3), keys.sources(3), keys.job(3, job), keys.timeline(3, job),
                keys.tombstone(3, job), keys.active(3), keys.bulk(3, bulk), keys.members(3, bulk),
                keys.bulks(3),
                keys.durations(3), keys.census(3), keys.rejected(3), keys.errands(3), keys.changes(3),
            ] == [
                "hw:{3}:events", "hw:{3}:control", "hw:{3}:sources", "hw:{3}:job:a:b@c",
                "hw:{3}:timeline:a:b@c",
                "hw:{3}:tomb:a:b@c", "hw:{3}:active", "hw:{3}:bulk:s:1", "hw:{3}:members:s:1", "hw:{3}:bulks",
                "hw:{3}:durations", "hw:{3}:census", "hw:{3}:rejected", "hw:{3}:errands", "hw:{3}:changes",
            ])
        #expect(
            [keys.pipelines, keys.config, keys.aggregators] == [
                "hw:pipelines", "hw:config", "hw:aggregators",
            ])
    }

    @Test(
        "a namespace that could be taken for another is refused",
        arguments: ["", "a:b", "a@b", "a{b", "a b", "é", String(repeating: "a", count: 65)])
    func namespaces(name: String) {
        #expect(throws: Keyspace.Problem.namespace) { try Keyspace(namespace: name, partitions: 8) }
    }

    @Test("the number of partitions has bounds", arguments: [Int.min, -1, 0, 1025, Int.max])
    func partitions(count: Int) {
        #expect(throws: Keyspace.Problem.partitions) { try Keyspace(partitions: count) }
    }
}
