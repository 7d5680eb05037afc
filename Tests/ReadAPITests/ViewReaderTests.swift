import HeadwayCore
import HeadwayWire
import Testing

@testable import ReadAPI

@Suite("Views as they are written")
struct ViewReaderTests {
    /// A mistake, where it is said to be, and what is said.
    struct Broken: Sendable, CustomTestStringConvertible {
        let view: String
        let path: String
        let detail: String

        var testDescription: String { view }

        init(_ view: String, _ path: String, _ detail: String) {
            self.view = view
            self.path = path
            self.detail = detail
        }

        /// A value of `fields`.
        static func field(_ value: String, _ path: String, _ detail: String) -> Broken {
            Broken(#"{"route": "/x/{job}", "fields": {"a": \#(value)}}"#, "views[0].fields.a\(path)", detail)
        }

        static func bulk(_ value: String, _ path: String, _ detail: String) -> Broken {
            Broken(#"{"route": "/x/{bulk}", "fields": {"a": \#(value)}}"#, "views[0].fields.a\(path)", detail)
        }
    }

    static let broken: [Broken] = [
        // Routes.
        Broken(#"{"fields": {}}"#, "views[0].route", "is missing"),
        Broken(#"{"route": 7, "fields": {}}"#, "views[0].route", "is not a text"),
        Broken(#"{"route": "x/{job}", "fields": {}}"#, "views[0].route", "is not a path"),
        Broken(#"{"route": "/x", "fields": {}}"#, "views[0].route", "has no capture"),
        Broken(#"{"route": "/x/{job}/{bulk}", "fields": {}}"#, "views[0].route", "has 2 captures"),
        Broken(#"{"route": "/x/{job}/", "fields": {}}"#, "views[0].route", "has an empty segment"),
        Broken(#"{"route": "/x//{job}", "fields": {}}"#, "views[0].route", "has an empty segment"),
        Broken(#"{"route": "/x/{id}", "fields": {}}"#, "views[0].route", "neither {job} nor {bulk}"),
        Broken(#"{"route": "/x y/{job}", "fields": {}}"#, "views[0].route", "neither {job} nor {bulk}"),
        Broken(#"{"route": "/{job}", "fields": {}}"#, "views[0].route", "begins with its capture"),
        Broken(#"{"route": "/v1/{job}", "fields": {}}"#, "views[0].route", "is Headway's own"),
        Broken(#"{"route": "/healthz/{job}", "fields": {}}"#, "views[0].route", "is Headway's own"),
        Broken(#"{"route": "/metrics/{job}", "fields": {}}"#, "views[0].route", "is Headway's own"),
        // The view itself.
        Broken(#"{"route": "/x/{job}"}"#, "views[0].fields", "is missing"),
        Broken(
            #"{"route": "/x/{job}", "feilds": {}, "fields": {}}"#, "views[0].feilds",
            #"did you mean "fields"?"#),
        // Paths.
        .field(#""$precent""#, "", #"$precent is not known of a job: did you mean "$percent"?"#),
        .field(#""$stage.idx""#, "", "$stage.idx is not known of a job"),
        .field(#""$attributes""#, "", "name one, such as $attributes.mode"),
        .field(#""$checkpoint""#, "", "$checkpoint is not known of a job"),
        .field(#""$token""#, "", "$token is not known of a job"),
        .field(#""$traceparent""#, "", "$traceparent is not known of a job"),
        .field(#""$text""#, "", "$text is not known of a job"),
        .field(#""$substeps.x.done""#, "", "$substeps.x.done is not known"),
        .field(#""$item""#, "", "outside of a $each"),
        .bulk(#""$message""#, "", "$message is not known of a bulk"),
        .bulk(#""$counts.faild""#, "", "$counts.faild is not known of a bulk"),
        .bulk(#""$stages.cooking""#, "", "is not a stage of this pipeline"),
        .bulk(#""$current.0.wrker""#, "", "is not known of a bulk"),
        // Filters.
        .field(#""$percent|rond:1""#, "", "did you mean |round:1?"),
        .field(#""$percent|iso""#, "", "|iso takes a moment, and $percent is a number"),
        .field(#""$message|ms""#, "", "|ms takes a moment, and $message is a text"),
        .field(#""$updatedAt|round:1""#, "", "|round:1 takes a number, and $updatedAt is a moment"),
        .field(#""$percent|round:9""#, "", "is not |round:0 to |round:3"),
        .field(#""$percent|round""#, "", "is not |round:0 to |round:3"),
        .field(#""$percent|json""#, "", "|json takes a text"),
        .field(#""$updatedAt|iso|ms""#, "", "is a second conversion"),
        .field(#""$message|or:x|omitnull""#, "", "comes behind |or"),
        .field(#""$message|omitnull|or:x""#, "", "comes behind |or"),
        // Texts with values.
        .field(#""page ${stage.indx}""#, "", "did you mean"),
        .field(#""page ${stage.index""#, "", "without its }"),
        .field(#""all ${substeps}""#, "", "a text has no place for it"),
        .field(#""say ${message|omitnull}""#, "", "have no place there"),
        // Choices.
        .field(
            #"{"$by": "status", "queued": 1, "running": 2, "completed": 3, "failed": 4}"#, "",
            "cancelled is missing"),
        .field(#"{"$by": "status", "runing": 2, "else": 3}"#, ".runing", #"did you mean "running"?"#),
        .field(#"{"$by": "stage", "writing": 2}"#, "", "has no else"),
        .field(#"{"$by": "stage", "cooking": 2, "else": 3}"#, ".cooking", "is not a stage of this pipeline"),
        .field(#"{"$by": "phase", "open": 2, "else": 3}"#, ".$by", #"is not "status""#),
        .field(#"{"$by": "$substeps", "else": 3}"#, ".$by", "is not a bare path of one word"),
        .field(#"{"$by": "$mode", "else": 3}"#, ".$by", "$mode is not known"),
        .field(#"{"$by": "$attributes.mode", "topic": 3}"#, "", "has no else"),
        .field(#"{"$by": "status", "else": {"b": "$nope"}}"#, ".else.b", "$nope is not known"),
        .bulk(#"{"$by": "status", "else": 1}"#, ".$by", #"a bulk has a "phase""#),
        .bulk(#"{"$by": "phase", "open": 1, "sealed": 2}"#, "", "settled is missing"),
        .field(#"{"$if": "$error"}"#, "", "has no then"),
        .field(#"{"$if": "error", "then": 1}"#, ".$if", "is not a path"),
        .field(#"{"$if": "$error", "then": 1, "esle": 2}"#, ".esle", "did you mean"),
        .field(#"{"$if": "$error|or:1", "then": 1}"#, ".$if", "has a filter"),
        .field(#"{"$each": "$substeps"}"#, "", "has no as"),
        .field(#"{"$each": "$message", "as": 1}"#, ".$each", "is not a list"),
        .field(#"{"$each": "$substeps", "as": "$item.nme"}"#, ".as", "is not known of an element"),
        .field(
            #"{"$each": "$substeps", "as": {"$each": "$substeps", "as": 1}}"#, ".as", "within another $each"),
        .field(#"{"$eahc": "$substeps", "as": 1}"#, ".$eahc", "did you mean"),
        .field(#"[1, {"b": "$nope"}]"#, "[1].b", "$nope is not known"),
        // The status map.
        Broken(
            #"{"route": "/x/{job}", "status": {"queued": 1, "running": 2, "completed": 3}, "fields": {}}"#,
            "views[0].status", "failed, cancelled are missing"),
        Broken(
            #"{"route": "/x/{job}", "status": {"queued": "$status", "running": 2, "completed": 3, "failed": 4, "cancelled": 5}, "fields": {}}"#,
            "views[0].status.queued", "use $rawStatus"),
        Broken(
            #"{"route": "/x/{job}", "status": {"queued": {"a": 1}, "running": [], "completed": 3, "failed": 4, "cancelled": "$error"}, "fields": {}}"#,
            "views[0].status.queued", "is a list or an object"),
        Broken(
            #"{"route": "/x/{bulk}", "status": {"open": 1, "sealed": 2}, "fields": {}}"#, "views[0].status",
            "settled is missing"),
        Broken(
            #"{"route": "/x/{job}", "status": "done", "fields": {}}"#, "views[0].status", "is not an object"),
        // Errors.
        Broken(
            #"{"route": "/x/{job}", "fields": {}, "errors": {"absnt": {}}}"#, "views[0].errors.absnt",
            #"did you mean "absent"?"#),
        Broken(
            #"{"route": "/x/{job}", "fields": {}, "errors": {"absent": {"status": 302, "body": 1}}}"#,
            "views[0].errors.absent.status", "is not 200 or 400 to 599"),
        Broken(
            #"{"route": "/x/{job}", "fields": {}, "errors": {"absent": {"status": 404}}}"#,
            "views[0].errors.absent.body", "is missing"),
        Broken(
            #"{"route": "/x/{job}", "fields": {}, "errors": {"absent": {"status": 404, "body": "$rawStatus"}}}"#,
            "views[0].errors.absent.body", "$rawStatus is not known of what is left here"),
        Broken(
            #"{"route": "/x/{job}", "fields": {}, "errors": {"unauthorized": {"status": 401, "body": "$asOf"}}}"#,
            "views[0].errors.unauthorized.body", "use $id, $problem"),
        // Events.
        Broken(
            #"{"route": "/x/{job}", "events": {"snapshot": {"event": "p", "data": 1}}}"#,
            "views[0].events.complete", "is missing"),
        Broken(
            #"{"route": "/x/{job}", "events": {"snapshot": {"event": "a b", "data": 1}, "complete": {"event": "c", "data": 1}}}"#,
            "views[0].events.snapshot.event", "is not a name"),
        Broken(
            #"{"route": "/x/{job}", "events": {"snapshot": {"event": "p"}, "complete": {"event": "c", "data": 1}}}"#,
            "views[0].events.snapshot.data", "is missing"),
        Broken(
            #"{"route": "/x/{job}", "events": {"snapshot": {"event": "p", "data": 1}, "complete": {"event": "c", "data": 1}, "error": {"event": "e", "data": "$percent"}}}"#,
            "views[0].events.error.data", "$percent is not known of what is left here"),
        // Tokens.
        Broken(
            #"{"route": "/x/{job}", "fields": {}, "token": {"header": "X Token"}}"#, "views[0].token.header",
            "is not the name of a header"),
        Broken(
            #"{"route": "/x/{job}", "fields": {}, "token": {"header": "X-T", "required": 1}}"#,
            "views[0].token.required", "is not true or false"),
        Broken(
            #"{"route": "/x/{job}", "fields": {}, "token": {"header": "X-T", "foreign": "gone"}}"#,
            "views[0].token.foreign", "is not"),
        Broken(
            #"{"route": "/x/{bulk}", "fields": {}, "token": {"header": "X-T"}}"#, "views[0].token",
            "a bulk has no token"),
    ]

    @Test("a broken view is refused with its place and the reason", arguments: broken)
    func refusals(_ broken: Broken) throws {
        var reader = ViewReader(file: "test.json", pipeline: "p", stages: ["research", "writing"])
        let views = reader.views([try JSON(Array(broken.view.utf8))])
        #expect(views.isEmpty)
        #expect(
            reader.problems.contains { $0.path == broken.path && $0.detail.contains(broken.detail) },
            "\(reader.problems)")
        #expect(reader.problems.allSatisfy { $0.file == "test.json" })
    }

    @Test(
        "everything that is wrong is said, the pipeline's own problems with it, and as the command prints it")
    func collected() throws {
        let text = """
            {"name": "p", "stages": [{"id": "a", "rnage": [0, 1]}], "views": [
              {"route": "/v1/{job}", "fields": {"x": "$nope", "y": "$percent|iso"}},
              {"route": "/x/{job}", "fields": {"x": {"$by": "stage", "anything": 1}}}]}
            """
        let result = PipelineDocument.parseWithViews(Array(text.utf8), file: "p.json", revision: 1)
        guard case .failure(let found) = result else {
            Issue.record("it was accepted")
            return
        }
        #expect(
            found.problems.map(\.path) == [
                "stages[0].rnage", "views[0].route", "views[0].fields.x", "views[0].fields.y",
                "views[1].fields.x",
            ])
        #expect(
            found.description.split(separator: "\n").contains(
                "p.json: views[0].fields.y: |iso takes a moment, and $percent is a number"))
    }

    @Test("a route stands once in a file, whatever its capture's place is called")
    func twice() throws {
        var reader = ViewReader(file: "f", pipeline: "p", stages: [])
        let views = try ["/x/{job}", "/y/{job}", "/x/{job}", "/x/{bulk}"].map {
            try JSON(Array(#"{"route": "\#($0)", "fields": {}}"#.utf8))
        }
        #expect(reader.views(views).map(\.route.pattern) == ["/x/{job}", "/y/{job}", "/x/{bulk}"])
        #expect(reader.problems.map(\.path) == ["views[2].route"])
    }

    @Test("views are bounded in number and in size")
    func bounds() throws {
        var reader = ViewReader(file: "f", pipeline: "p", stages: [])
        let many = try (0...View.countLimit).map {
            try JSON(Array(#"{"route": "/x\#($0)/{job}", "fields": {}}"#.utf8))
        }
        #expect(reader.views(many).count == View.countLimit)
        #expect(reader.problems.map(\.path) == ["views"])

        var other = ViewReader(file: "f", pipeline: "p", stages: [])
        let large = String(repeating: "x", count: View.textLimit)
        #expect(other.views([try JSON(Array(#"{"route": "/x/{job}", "fields": "\#(large)"}"#.utf8))]).isEmpty)
        #expect(other.problems.map(\.path) == ["views[0]"])
    }

    @Test("every view of docs/views.md is sound")
    func documented() throws {
        let views = try ViewSamples.documented()
        #expect(views.count == 6)
        for view in views { _ = try ViewSamples.compile(view) }
    }

    @Test("every path of the tables in docs/views.md is known, and every known path is in them")
    func paths() throws {
        let place = ViewPlace(.job, stages: ViewSamples.stages)
        let text = try ViewSamples.page()
        for plain in JobPath.Plain.allCases {
            #expect(text.contains("$\(plain.rawValue)") || plain.rawValue.contains("."), "\(plain)")
            #expect(throws: Never.self) { _ = try place.path(plain.rawValue) }
        }
        for plain in BulkPath.Plain.allCases {
            #expect(text.contains("$\(plain.rawValue)"), "\(plain)")
        }
        for path in ViewFailurePath.allCases { #expect(text.contains("`$\(path.rawValue)`"), "\(path)") }
    }
}
