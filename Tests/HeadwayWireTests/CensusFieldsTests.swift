import HeadwayCore
import Testing

@testable import HeadwayWire

@Suite("The hash of open jobs")
struct CensusFieldsTests {
    @Test("gives back what it was given", arguments: 0..<8 as Range<UInt64>)
    func roundTrip(seed: UInt64) {
        var dice = Dice(seed: seed)
        var counts: [Census.Standing: Int] = [:]
        for _ in 0..<200 {
            let standings: [Census.Standing] = [
                .held, .queued(pipeline: dice.identifier()),
                .running(pipeline: dice.identifier(), Health.allCases[dice.number(0...4)]),
            ]
            counts[standings[dice.number(0...2)]] = dice.number(1...1_000_000)
        }
        let census = Census(counts)
        let fields = FieldBuffer { census.encode(census.counts.keys, into: &$0) }
        #expect(Census(fields: fields) == census)
    }

    @Test("who nobody stands for has no field")
    func vacant() {
        let census = Census([.held: 2])
        let fields = FieldBuffer { census.encode([.held, .queued(pipeline: "a")], into: &$0) }
        #expect(fields.names == ["held"])
    }

    @Test("takes what cannot be read for none, and keeps the others; a pipeline may have colons in its name")
    func unreadable() {
        let fields: Fields = [
            "held": "x", "held:a": "1", "queued": "1", "queued:": "1", "queued:a b": "1", "queued:a:b": "3",
            "running:ok": "1", "running:ok:": "1", "running:well:a": "1", "running:slow:a:b": "4",
            "done:a": "1", "": "1", "queued:a": "0", "queued:b": "-1", "queued:c": "99999999999999999999",
        ]
        #expect(
            Census(fields: fields)
                == Census([.queued(pipeline: "a:b"): 3, .running(pipeline: "a:b", .slow): 4]))
    }

    @Test("what a job's own fields say is what its record stands for")
    func ofJobs() throws {
        func standing(_ fields: Fields) -> Census.Standing? {
            let hash = Dictionary(uniqueKeysWithValues: fields.pairs.map { ($0.name, $0.value) })
            return Census.Standing(
                jobFields: Census.Standing.jobFields.map { hash[Array($0.utf8)].map { ArraySlice($0) } })
        }
        #expect(Census.Standing.jobFields == ["pipeline", "status", "health", "since"])
        #expect(standing(["pipeline": "a:b@3", "status": "queued"]) == .queued(pipeline: "a:b"))
        #expect(standing(["pipeline": "a@1", "status": "running"]) == .running(pipeline: "a", .ok))
        #expect(
            standing(["pipeline": "a@1", "status": "running", "health": "slow"])
                == .running(pipeline: "a", .slow))
        #expect(standing(["pipeline": "a@1", "status": "failed", "health": "lost"]) == nil)
        #expect(standing(["held": "…", "since": "5"]) == .held)
        #expect(standing([:]) == nil)
        #expect(standing(["pipeline": "a@1", "status": "odd", "since": "5"]) == nil)
        #expect(Census.Standing(jobFields: []) == nil)
    }
}
