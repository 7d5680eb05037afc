import HeadwayCore
import Testing

@testable import HeadwayWire

@Suite("Pipeline documents")
struct PipelineDocumentTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let json: String
        let problems: [String]

        init(_ description: String, _ json: String, _ problems: String...) {
            testDescription = description
            self.json = json
            self.problems = problems
        }
    }

    private static let stages = #""stages": [{"id": "a"}]"#

    static let refused: [Case] = [
        Case("nothing", "", "a.json: is not JSON: line 1, column 1: expected a value, found the end"),
        Case(
            "not JSON", "{\n  \"name\": article}", "a.json: is not JSON: line 2, column 11: expected a value"),
        Case(
            "a comma too many", #"{"name": "a",}"#,
            "a.json: is not JSON: line 1, column 14: expected a name in quotes"),
        Case(
            "a list", "[]",
            #"a.json: is not a JSON object: write {"name": "article", "stages": [{"id": "writing"}]}"#),
        Case(
            "an empty object", "{}",
            #"a.json: name: is missing: give the pipeline a name, such as "article""#,
            #"a.json: stages: is missing: list at least one, such as [{"id": "writing"}]"#),
        Case(
            "a name with a space", #"{"name": "my article", \#(stages)}"#,
            "a.json: name: is not a name: use 1 to 100 letters, digits or . _ : -"),
        Case(
            "a name with a revision", #"{"name": "article@3", \#(stages)}"#,
            "a.json: name: has an @ in it: revisions are counted by Headway, leave it out"),
        Case(
            "no stage", #"{"name": "a", "stages": []}"#,
            #"a.json: stages: is not a list of 1 to 200 stages: write [{"id": "writing"}]"#),
        Case(
            "stages that are texts", #"{"name": "a", "stages": ["writing"]}"#,
            #"a.json: stages[0]: is not an object: write {"id": "writing"}"#),
        Case(
            "a stage without an id", #"{"name": "a", "stages": [{"label": "Writing"}]}"#,
            #"a.json: stages[0].id: is missing: give the stage an id, such as "writing""#),
        Case(
            "a stage's id with a space", #"{"name": "a", "stages": [{"id": "the end"}]}"#,
            "a.json: stages[0].id: is not an id: use 1 to 200 letters, digits or . _ : @ -"),
        Case(
            "an id twice", #"{"name": "a", "stages": [{"id": "x"}, {"id": "y"}, {"id": "x"}]}"#,
            #"a.json: stages[2].id: "x" is the id of stages[0] too: give each stage its own"#),
        Case(
            "a mistyped key", #"{"name": "a", "stages": [{"id": "x", "stalAfter": "4m"}]}"#,
            #"a.json: stages[0].stalAfter: is not a key of a stage: did you mean "stallAfter"?"#),
        Case(
            "a key in other letters", #"{"name": "a", "maxattempts": 3, \#(stages)}"#,
            #"a.json: maxattempts: is not a key of a pipeline: did you mean "maxAttempts"?"#),
        Case(
            "a key of nobody", #"{"name": "a", "colour": "red", \#(stages)}"#,
            "a.json: colour: is not a key of a pipeline: use name, stages, heartbeat, stallAfter, lostAfter, "
                + "cancelAfter, maxAttempts, strict, retention, views"),
        Case(
            "a key twice", #"{"name": "a", "name": "b"}"#,
            "a.json: is not JSON: line 1, column 15: this name is given twice"),
        Case(
            "a range of three", #"{"name": "a", "stages": [{"id": "x", "range": [0, 10, 20]}]}"#,
            "a.json: stages[0].range: is not two percentages from 0 to 100: write [0, 33]"),
        Case(
            "a range beyond 100", #"{"name": "a", "stages": [{"id": "x", "range": [0, 101]}]}"#,
            "a.json: stages[0].range: is not two percentages from 0 to 100: write [0, 33]"),
        Case(
            "a range that falls", #"{"name": "a", "stages": [{"id": "x", "range": [40, 30.5]}]}"#,
            "a.json: stages[0].range: starts at 40 and ends at 30.5: swap them"),
        Case(
            "ranges that overlap",
            #"{"name": "a", "stages": [{"id": "x", "range": [0, 33]}, {"id": "y", "range": [30, 66]}]}"#,
            #"a.json: stages[1].range: starts at 30, before stages[0] "x" ends: start at 33 or later"#),
        Case(
            "ranges that descend",
            #"{"name": "a", "stages": [{"id": "x", "range": [50, 100]}, {"id": "y", "range": [0, 50]}]}"#,
            #"a.json: stages[1].range: starts at 0, before stages[0] "x" ends: start at 100 or later"#),
        Case(
            "a stage without a range beside others",
            #"{"name": "a", "stages": [{"id": "x", "range": [0, 9]}, {"id": "y"}]}"#,
            "a.json: stages[1]: has no range, but others have one: give every stage a range, or none"),
        Case(
            "a range and a weight", #"{"name": "a", "stages": [{"id": "x", "range": [0, 9], "weight": 2}]}"#,
            "a.json: stages[0].weight: stands beside a range: keep one of the two"),
        Case(
            "a weight below zero", #"{"name": "a", "stages": [{"id": "x", "weight": -1}]}"#,
            "a.json: stages[0].weight: is not a whole number from 0 to 1000000"),
        Case(
            "a flag in words", #"{"name": "a", "stages": [{"id": "x", "optional": "yes"}]}"#,
            "a.json: stages[0].optional: is not true or false"),
        Case(
            "a label that is too long",
            #"{"name": "a", "stages": [{"id": "x", "label": "\#(String(repeating: "a", count: 201))"}]}"#,
            "a.json: stages[0].label: is not a text of at most 200 characters"),
        Case(
            "a duration without a unit", #"{"name": "a", "heartbeat": 15, \#(stages)}"#,
            #"a.json: heartbeat: is not a duration: write "500ms", "15s", "4m", "24h" or "7d""#),
        Case(
            "a duration of nothing", #"{"name": "a", "stallAfter": "0s", \#(stages)}"#,
            #"a.json: stallAfter: is not a duration: write "500ms", "15s", "4m", "24h" or "7d""#),
        Case(
            "a duration of two units", #"{"name": "a", "stallAfter": "1h30m", \#(stages)}"#,
            #"a.json: stallAfter: is not a duration: write "500ms", "15s", "4m", "24h" or "7d""#),
        Case(
            "lost before the heartbeat", #"{"name": "a", "lostAfter": "15s", \#(stages)}"#,
            "a.json: lostAfter: lostAfter (15s) is not longer than heartbeat (15s): a healthy worker would be "
                + "called lost"),
        Case(
            "a heartbeat that never comes in time", #"{"name": "a", "heartbeat": "10m", \#(stages)}"#,
            "a.json: heartbeat: lostAfter (10m) is not longer than heartbeat (10m): a healthy worker would be "
                + "called lost"),
        Case(
            "no attempt at all", #"{"name": "a", "maxAttempts": 0, \#(stages)}"#,
            "a.json: maxAttempts: is not a whole number from 1 to 1000000"),
        Case(
            "a retention that is a text", #"{"name": "a", "retention": "24h", \#(stages)}"#,
            #"a.json: retention: is not an object: write {"finished": "24h", "abandoned": "7d"}"#),
        Case(
            "a retention with a mistyped key", #"{"name": "a", "retention": {"finshed": "24h"}, \#(stages)}"#,
            #"a.json: retention.finshed: is not a key of retention: did you mean "finished"?"#),
        Case(
            "views that are an object", #"{"name": "a", "views": {}, \#(stages)}"#,
            "a.json: views: is not a list of views"),
        Case(
            "a view that is a text", #"{"name": "a", "views": [{}, "x"], \#(stages)}"#,
            "a.json: views[1]: is not an object"),
        Case(
            "many things at once",
            #"{"name": "", "strict": 1, "stages": [{"id": "x", "range": [5, 1]}, {"idd": "y", "range": [1]}]}"#,
            "a.json: name: is not a name: use 1 to 100 letters, digits or . _ : -",
            "a.json: stages[0].range: starts at 5 and ends at 1: swap them",
            #"a.json: stages[1].idd: is not a key of a stage: did you mean "id"?"#,
            "a.json: stages[1].range: is not two percentages from 0 to 100: write [0, 33]",
            #"a.json: stages[1].id: is missing: give the stage an id, such as "writing""#,
            "a.json: strict: is not true or false"),
        Case(
            "nesting without end", String(repeating: "[", count: 100_000),
            "a.json: is not JSON: line 1, column 33: nested deeper than 32 levels"),
        Case(
            "more than 256 KiB", String(repeating: " ", count: 262_145),
            "a.json: is larger than 256 KiB: split it, or shorten its views"),
    ]

    @Test("say what is wrong, where, and what to do", arguments: refused)
    func refuses(_ c: Case) {
        switch PipelineDocument.parse(Array(c.json.utf8), file: "a.json", revision: 1) {
        case .success: Issue.record("was read")
        case .failure(let problems): #expect(problems.description == c.problems.joined(separator: "\n"))
        }
    }

    private func document(_ json: String, revision: Int = 1) throws -> PipelineDocument {
        try PipelineDocument.parse(Array(json.utf8), file: "a.json", revision: revision).get()
    }

    static let article = #"""
        { "name": "article", "stages": [
            {"id": "research", "label": "Researching", "range": [0, 33], "optional": true},
            {"id": "writing",  "label": "Writing",     "range": [33, 66], "stallAfter": "4m", "quiet": true},
            {"id": "seo",      "label": "Optimizing",  "range": [66.5, 100], "indexed": true, "message": "{index}"} ],
          "heartbeat": "15s", "stallAfter": "2m", "lostAfter": "10m", "cancelAfter": "45s", "maxAttempts": 2,
          "strict": true,
          "retention": {"finished": "24h", "abandoned": "7d"}, "views": [{"route": "/a/{job}", "b": 1, "a": [ ]}] }
        """#

    @Test("are read as they are written")
    func read() throws {
        let pipeline = try document(Self.article, revision: 3).pipeline
        func fraction(_ parts: Int) -> Fraction { Fraction(partsPerMillion: parts) }
        #expect(
            pipeline
                == Pipeline(
                    reference: Pipeline.Reference(name: "article", revision: 3),
                    stages: [
                        Pipeline.Stage(
                            id: "research", label: "Researching", start: .zero, end: fraction(330_000),
                            isOptional: true),
                        Pipeline.Stage(
                            id: "writing", label: "Writing", start: fraction(330_000), end: fraction(660_000),
                            isQuiet: true, stallAfter: .seconds(240)),
                        Pipeline.Stage(
                            id: "seo", label: "Optimizing", start: fraction(665_000), end: .one,
                            isIndexed: true,
                            message: "{index}"),
                    ], heartbeat: .seconds(15), stallAfter: .seconds(120), lostAfter: .seconds(600),
                    cancelAfter: .seconds(45), maxAttempts: 2,
                    isStrict: true))
    }

    @Test("have one canonical text, with every default written out")
    func canonical() throws {
        #expect(
            try document(#"{"stages": [{"id": "x"}, {"id": "y"}, {"id": "z"}], "name": "a"}"#).canonical
                == #"{"name":"a","stages":[{"id":"x","range":[0,33.3333]},{"id":"y","range":[33.3333,66.6666]},"#
                + #"{"id":"z","range":[66.6666,100]}],"heartbeat":"15s","stallAfter":"2m","lostAfter":"10m","#
                + #""cancelAfter":"1m","maxAttempts":1,"strict":false,"retention":{"finished":"1d","abandoned":"7d"}}"#
        )
        let article = try document(Self.article)
        #expect(article.canonical.hasSuffix(#""views":[{"route":"/a/{job}","b":1,"a":[]}]}"#))
        #expect(try document(article.canonical) == article)
        #expect(try document(article.canonical).canonical == article.canonical)
        #expect(article.revised(as: 7).canonical == article.canonical)
    }

    @Test("share by weight what they do not range")
    func weights() throws {
        func ranges(_ stages: String) throws -> [String] {
            try document(#"{"name": "a", "stages": [\#(stages)]}"#).pipeline.stages.map {
                "\(Percent.text($0.start))-\(Percent.text($0.end))"
            }
        }
        #expect(try ranges(#"{"id": "x", "weight": 1}, {"id": "y", "weight": 3}"#) == ["0-25", "25-100"])
        #expect(try ranges(#"{"id": "x"}, {"id": "y", "weight": 3}"#) == ["0-25", "25-100"])
        #expect(try ranges(#"{"id": "x", "weight": 0}, {"id": "y"}"#) == ["0-0", "0-100"])
        #expect(try ranges(#"{"id": "x", "weight": 0}"#) == ["0-0"])
    }

    @Test("may leave gaps and have stages of no width")
    func gaps() throws {
        let json = #"{"name": "a", "stages": [{"id": "x", "range": [5, 5]}, {"id": "y", "range": [5, 40]}]}"#
        #expect(try document(json).pipeline.stages.map(\.end.percent) == [5, 40])
    }

    @Test("the book of the seeds is one: three stages, strict, three attempts")
    func book() throws {
        let pipeline = try PipelineDocument.parse(
            try bytes(of: "deploy/pipelines/book.json"), file: "book.json", revision: 1
        ).get().pipeline
        #expect(pipeline.name == "book")
        #expect(pipeline.stages.map(\.id) == ["ANALYZING", "GENERATING_SCENES", "CREATING_ARTWORK"])
        #expect(pipeline.stages.last?.end == .one)
        #expect(pipeline.isStrict)
        #expect(pipeline.maxAttempts == 3)
    }

    @Test(
        "durations are read and written in every unit",
        arguments: ["500ms", "15s", "4m", "23h", "7d", "1ms", "3650d"])
    func durations(text: String) throws {
        #expect(DurationText.text(try #require(DurationText.duration(text))) == text)
    }

    @Test(
        "what is no duration is none",
        arguments: [
            "", "15", "s", "-1s", "1.5h", "15 s", "15S", "3651d", "999999999999999d", "9999999999999999s",
        ])
    func noDurations(text: String) {
        #expect(DurationText.duration(text) == nil)
    }
}
