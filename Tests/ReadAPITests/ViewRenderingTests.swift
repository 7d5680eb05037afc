import HeadwayCore
import HeadwayWire
import Testing

@testable import ReadAPI

@Suite("Views as they are rendered")
struct ViewRenderingTests {
    @Test(
        "each form of a value comes out as docs/views.md says",
        arguments: [
            (
                #"{"a": 1, "b": [true, null, -0.5], "c": {"d": "x"}}"#,
                #"{"a":1,"b":[true,null,-0.5],"c":{"d":"x"}}"#
            ),
            (#""$percent""#, "49"), (#""$exactPercent""#, "49.5"), (#""$exactPercent|round:1""#, "49.5"),
            (#""$exactPercent|round:0""#, "50"), (#""$exactPercent|round:3""#, "49.500"),
            (#""$percent|round:1""#, "49.0"), (#""$elapsedSeconds""#, "74.2"),
            (#""$elapsedSeconds|round:0""#, "74"), (#""$elapsedSeconds|round:1""#, "74.3"),
            (#""$elapsedSeconds|round:2""#, "74.25"),
            (#""$stage""#, #""writing""#), (#""$stage.id""#, #""writing""#),
            (#""$stage.label""#, #""Writing""#),
            (
                #"["$stage.percent", "$stage.done", "$stage.total", "$stage.attempt", "$stage.index"]"#,
                "[50,5,10,1,null]"
            ),
            (#""$activeStage""#, #""writing""#), (#""$completedStages""#, #"["research"]"#),
            (#""$completedStages.0""#, #""research""#), (#""$completedStages.1""#, "null"),
            (#""$skippedStages""#, "[]"), (#""$substeps""#, #"[{"id":"sections","done":3,"total":6}]"#),
            (#"["$substeps.0.id", "$substeps.0.percent", "$substeps.1.done"]"#, #"["sections",50,null]"#),
            (#""$attributes.mode""#, #""topic""#), (#""$attributes.none""#, "null"),
            (
                #"["$id", "$pipeline", "$revision", "$bulk", "$label", "$worker"]"#,
                #"["article-42","article",1,"spring","An article","w-7"]"#
            ),
            (#""$updatedAt""#, #""2026-01-01T00:01:15.000Z""#),
            (#""$updatedAt|iso""#, #""2026-01-01T00:01:15.000Z""#),
            (#""$updatedAt|iso:s""#, #""2026-01-01T00:01:15Z""#), (#""$updatedAt|ms""#, "1767225675000"),
            (#""$finishedAt|ms""#, "null"), (#""$finishedAt|ms|or:0""#, "0"),
            (#""$finishedAt|or:never""#, #""never""#),
            (#""$now|ms""#, "1767225675250"),
            (#"["$asOf|ms", "$lagMs", "$stale"]"#, "[1767225675000,3,false]"),
            (#""$result""#, "null"), (#"{"a": "$result|omitnull", "b": 1}"#, #"{"b":1}"#),
            (#"["$result|omitnull", "$percent|omitnull"]"#, "[49]"), (#"["$nothing", 1]"#, "[1]"),
            (#""$nothing""#, "null"), (#""$lagMs|or:7""#, "3"), (#""$stage.index|or:1""#, "1"),
            (#""$worker|or:nobody""#, #""w-7""#), (#""$reason|or:5""#, #""5""#),
            (#""$eta""#, "null"), (#"["$eta.seconds", "$eta.at|ms"]"#, "[null,null]"),
            (#""$$5""#, #""$5""#), (#""a $$ b $$$$""#, #""a $ b $$""#), (#""5$""#, #""5$""#),
            (#""$5""#, #""$5""#),
            (#""$""#, #""$""#), (#""""#, #""""#), (#"{"$$by": 1}"#, #"{"$by":1}"#), (#""$${x}""#, #""${x}""#),
            (#""${stage.done} of ${stage.total}""#, #""5 of 10""#), (#""[${stage.index}]""#, #""[]""#),
            (#""page ${stage.index|or:?} of ${stage.of|or:?}""#, #""page ? of ?""#),
            (
                #""${updatedAt|iso:s} ${updatedAt|ms} ${exactPercent|round:2} ${stale} ${message}""#,
                #""2026-01-01T00:01:15Z 1767225675000 49.50 false Writing section 3""#
            ),
            (#"{"$by": "status", "running": "yes", "else": "no"}"#, #""yes""#),
            (#"{"$by": "stage", "research": 1, "else": {"deep": ["$stage"]}}"#, #"{"deep":["writing"]}"#),
            (#"{"$by": "$attributes.mode", "topic": 1, "else": 2}"#, "1"),
            (#"{"$by": "$attributes.none", "topic": 1, "else": 2}"#, "2"),
            (#"{"$by": "$stale", "false": "fresh", "else": "old"}"#, #""fresh""#),
            (#"{"$by": "$stage.attempt", "1": "first", "else": "again"}"#, #""first""#),
            (#"{"$by": "health", "ok": "fine", "else": "ill"}"#, #""fine""#),
            (#"{"$if": "$error", "then": 1, "else": 2}"#, "2"),
            (#"{"a": {"$if": "$error", "then": 1}}"#, "{}"),
            (#"{"$if": "$substeps", "then": 1, "else": 2}"#, "1"),
            (#"{"$if": "$skippedStages", "then": 1, "else": 2}"#, "2"),
            (#"{"$if": "$stale", "then": 1, "else": 2}"#, "2"),
            (#"{"a": {"$by": "status", "running": {"$if": "$error", "then": 1}, "else": 2}}"#, "{}"),
            (
                #"{"$each": "$substeps", "as": {"n": "$item.id", "d": "$item.done", "job": "$id"}}"#,
                #"[{"n":"sections","d":3,"job":"article-42"}]"#
            ),
            (
                #"{"$each": "$completedStages", "as": ["$item", "$item.label"]}"#,
                #"[["research","Researching"]]"#
            ),
            (#"{"$each": "$skippedStages", "as": 1}"#, "[]"),
            (#"{"$each": "$substeps", "as": {"$if": "$error", "then": 1}}"#, "[]"),
            (#"["$rawStatus", "$status", "${status}"]"#, #"["running","running","running"]"#),
            (#""quote \" and \n line""#, #""quote \" and \n line""#),
        ] as [(String, String)])
    func forms(_ value: String, _ expected: String) throws {
        #expect(try ViewSamples.value(value, of: ViewSamples.article()) == expected)
    }

    @Test("a status map is a text, a number, null, a path or a choice, wherever $status stands")
    func status() throws {
        let map = """
            {"queued": 1, "running": {"$by": "stage", "writing": "AT_${stage.done}", "else": "$stage|or:NONE"},
             "completed": "DONE", "failed": null, "cancelled": "$attributes.mode|or:x"}
            """
        let value = #"["$status", "is ${status}", "$status|or:?", {"$by": "$status", "DONE": 1, "else": 2}]"#
        func text(_ answer: LiveAnswer) throws -> String {
            try ViewSamples.value(value, of: answer, status: map)
        }
        #expect(try text(ViewSamples.queued()) == #"[1,"is 1",1,2]"#)
        #expect(try text(ViewSamples.article()) == #"["AT_5","is AT_5","AT_5",2]"#)
        #expect(try text(ViewSamples.ended(.completed)) == #"["DONE","is DONE","DONE",1]"#)
        #expect(try text(ViewSamples.ended(.failed)) == #"[null,"is ","?",2]"#)
        #expect(try text(ViewSamples.ended(.cancelled)) == #"["topic","is topic","topic",2]"#)
    }

    @Test("a result that is JSON can be put in as JSON; any other stays a text")
    func json() throws {
        func text(_ result: String) throws -> String {
            try ViewSamples.value(
                #""$result|json""#, of: ViewSamples.ended(.completed) { $0.result = result })
        }
        #expect(try text(#"{"words": 1200,  "title": "a\nb"}"#) == #"{"words":1200,"title":"a\nb"}"#)
        #expect(try text("clx123") == #""clx123""#)
        #expect(try text("{broken") == #""{broken""#)
        #expect(try text("12") == "12")
    }

    @Test("an empty text says nothing: or and omitnull take its place, and it is not there for $if")
    func empty() throws {
        let answer = try ViewSamples.article { $0.message = "" }
        let value =
            #"["$message|or:Working", "${message|or:Working}", "$message|omitnull", {"$if": "$message", "then": 1, "else": 2}, "$message"]"#
        #expect(try ViewSamples.value(value, of: answer) == #"["Working","Working",2,null]"#)
    }

    @Test("the active stage is null between two stages and after the end; the stage is not")
    func activeStage() throws {
        let value = #"["$activeStage", "$stage"]"#
        let between = try ViewSamples.article { $0.stages[1].phase = .completed }
        #expect(try ViewSamples.value(value, of: between) == #"[null,"writing"]"#)
        #expect(try ViewSamples.value(value, of: ViewSamples.ended(.completed)) == #"[null,"writing"]"#)
        #expect(try ViewSamples.value(value, of: ViewSamples.queued()) == "[null,null]")
    }

    @Test("the exact percentage floors to the whole one")
    func percentages() throws {
        for parts in [0, 1, 9_999, 10_000, 123_456, 989_999, 990_000, 999_999, 1_000_000] {
            let answer = try ViewSamples.article { $0.fraction = Fraction(partsPerMillion: parts) }
            let text = try ViewSamples.value(#"["$percent", "$exactPercent"]"#, of: answer)
            guard case .array(let values) = try JSON(Array(text.utf8)), case .number(let whole) = values[0],
                case .number(let exact) = values[1]
            else {
                Issue.record("\(text)")
                continue
            }
            #expect(Int(whole) == Double(exact).map { Int($0.rounded(.down)) }, "\(text)")
        }
        let done = try ViewSamples.value(#""$exactPercent""#, of: ViewSamples.ended(.completed))
        #expect(done == "100")
    }

    @Test("a bulk's values, and those of its members; of a member with a token only how far it is")
    func bulk() throws {
        guard case .job(.job(let open)) = try ViewSamples.article() else { return }
        let protected = try SnapshotTests.article()
        let answer = ViewSamples.bulk(current: [open, protected])
        func text(_ value: String) throws -> String { try ViewSamples.value(value, of: answer, isBulk: true) }
        #expect(
            try text(#"["$id", "$text", "$phase", "$status", "$completed", "$total", "$done", "$label"]"#)
                == #"["spring","12 of 40","sealed","sealed",12,40,13,null]"#)
        #expect(
            try text(
                #"["$counts.failed", "$counts.registered", "$health.stalled", "$stages.writing", "$stages.seo"]"#
            )
                == "[1,40,1,4,0]")
        #expect(try text(#""$stages""#) == #"{"research":3,"writing":4}"#)
        #expect(try text(#""$failures""#) == #"[{"code":"rate_limited","stage":null,"count":1}]"#)
        #expect(try text(#"["$failures.0.code", "$failures.1.code"]"#) == #"["rate_limited",null]"#)
        #expect(
            try text(
                #"{"$each": "$current", "as": ["$item.id", "$item.status", "$item.stage", "$item.percent", "$item.message", "$item.attributes.mode"]}"#
            )
                == #"[["article-42","running","writing",49,"Writing section 3","topic"],["article-42","running","writing",49,null,null]]"#
        )
        #expect(
            try text(#"["$current.0.substeps", "$current.1.substeps", "$current.1.label", "$current.2.id"]"#)
                == #"[[{"id":"sections","done":3,"total":6}],null,null,null]"#)
        #expect(try text(#"{"$each": "$current.0.substeps", "as": "$item.id"}"#) == #"["sections"]"#)
        #expect(try text(#"{"$each": "$current.1.substeps", "as": "$item.id"}"#) == "[]")
        #expect(!(try text(#""$current""#)).dropFirst(400).contains("Writing section 3"))
    }

    // MARK: The five systems

    @Test("page: running, between stages, ended, and unknown")
    func page() throws {
        let view = try ViewSamples.documented("/progress/{job}")
        let running = try ViewSamples.article {
            $0.attributes = ["flowType": "new-story", "prompt": "secret"]
        }
        #expect(
            try ViewSamples.text(view, running) == """
                {"status":"running","activeStage":"writing","completedStages":["research"],\
                "updatedAt":1767225675000,"flowType":"new-story","stageAttempt":1}
                """)
        #expect(
            try ViewSamples.text(view, ViewSamples.ended(.failed)) == """
                {"status":"failed","activeStage":null,"completedStages":["research"],\
                "updatedAt":1767225680000,"flowType":null,"stageAttempt":1}
                """)
        let unknown = ViewFailure(.absent, id: "nobody")
        let reply = try #require(view.errors[.absent])
        #expect(reply.status == 200)
        #expect(
            String(decoding: view.write(reply.body, of: ViewSubject(unknown)), as: UTF8.self) == """
                {"status":"unknown","activeStage":null,"completedStages":[],"updatedAt":0,"flowType":null}
                """)
    }

    @Test("story: a status per stage and page, and a sentence always")
    func story() throws {
        let view = try ViewSamples.documented("/stories/{job}/status")
        let drawing = try ViewSamples.article {
            $0.message = nil
            $0.position = JobState.Position(stage: "pages", index: 2, of: 8, startedAt: Sample.start)
        }
        #expect(
            try ViewSamples.text(view, drawing)
                == #"{"status":"GENERATING_PAGE_IMAGE_2","status_message":"Drawing page 2 of 8"}"#)
        #expect(
            try ViewSamples.text(view, ViewSamples.queued())
                == #"{"status":"PENDING","status_message":"Working"}"#)
        let done = try ViewSamples.ended(.completed) { $0.message = "All done" }
        #expect(try ViewSamples.text(view, done) == #"{"status":"COMPLETE","status_message":"All done"}"#)
    }

    @Test("book: stages as statuses, and substeps in its words")
    func book() throws {
        let view = try ViewSamples.documented("/api/books/{job}/status")
        #expect(
            try ViewSamples.text(view, ViewSamples.article()) == """
                {"status":"writing","overall_progress":49,"current_stage":"writing",\
                "substeps":[{"name":"sections","done":3,"total":6,"percent":50}]}
                """)
        #expect(
            try ViewSamples.text(view, ViewSamples.queued())
                == #"{"status":"UPLOADED","overall_progress":0,"current_stage":null,"substeps":[]}"#)
    }

    @Test("image: an envelope, a result only when completed, a message only when failed")
    func image() throws {
        let view = try ViewSamples.documented("/api/status/{job}")
        #expect(
            try ViewSamples.text(view, ViewSamples.article()) == """
                {"success":true,"status":"processing","stage":"writing","progress":49,"resultId":null,\
                "updatedAt":"2026-01-01T00:01:15.000Z"}
                """)
        #expect(
            try ViewSamples.text(view, ViewSamples.ended(.completed)) == """
                {"success":true,"status":"completed","stage":"complete","progress":100,"resultId":"clx123",\
                "updatedAt":"2026-01-01T00:01:20.000Z"}
                """)
        #expect(
            try ViewSamples.text(view, ViewSamples.ended(.failed)) == """
                {"success":true,"status":"failed","stage":"failed","progress":49,"resultId":null,\
                "errorMessage":"Out of words","updatedAt":"2026-01-01T00:01:20.000Z"}
                """)
        #expect(view.token == ViewToken(header: "X-Session-Token", isRequired: true, foreign: .absent))
    }

    @Test("article: three kinds of frames, and a bulk in one answer")
    func article() throws {
        let view = try ViewSamples.documented("/api/jobs/{job}/progress")
        let lens = ViewLens(
            views: ViewSet([view]), opened: view, subject: .job(JobID(unchecked: "article-42")))
        let running = lens.frame(of: try ViewSamples.article())
        #expect(
            String(decoding: running.bytes, as: UTF8.self) == """
                event: progress
                id: e7f3-17
                data: {"job_id":"article-42","status":"processing","progress":{"percentage":49.5,"stage":"writing",\
                "stage_progress":50,"message":"Writing section 3","started_at":"2026-01-01T00:00:01.000Z",\
                "completed_at":null,"estimated_completion":null,"elapsed_seconds":74.2},\
                "timestamp":"2026-01-01T00:01:15.250Z"}\n\n
                """)
        #expect(running.outcome == nil)
        #expect(running.end == nil)

        let failed = lens.frame(of: try ViewSamples.ended(.failed))
        #expect(failed.outcome == "failed")
        #expect(
            failed.end.map { String(decoding: $0.bytes, as: UTF8.self) } == """
                event: complete
                id: e7f3-17-end
                data: {"job_id":"article-42","status":"failed","result":null,"error":{"message":"Out of words",\
                "stage":"writing","timestamp":"2026-01-01T00:01:20.000Z"}}\n\n
                """)

        let unknown = JobAnswer.unknown(JobID(unchecked: "article-42"), epoch: "e7f3", .none)
        let absent = lens.frame(of: .job(unknown))
        #expect(
            String(decoding: absent.bytes, as: UTF8.self)
                == "event: error\nid: e7f3-0\ndata: {\"message\":\"Job not found\"}\n\n")
        #expect(absent.isAbsent)

        guard case .job(.job(let job)) = try ViewSamples.article() else { return }
        let bulk = try ViewSamples.documented("/api/bulk-jobs/{bulk}/progress")
        #expect(
            try ViewSamples.text(bulk, ViewSamples.bulk(current: [job])) == """
                {"bulk_job_id":"spring","text":"12 of 40 articles completed","completed":12,"total":40,\
                "percentage":32,"current":{"job_id":"article-42","stage":"writing","percentage":49}}
                """)
        #expect(
            try ViewSamples.text(bulk, ViewSamples.bulk(current: [], total: nil)).contains(
                #""text":"12 of ? articles completed""#))
    }

    @Test("what is of another pipeline changes in silence: every state of it is the same absence")
    func foreign() throws {
        let view = try ViewSamples.compile(
            try ViewSamples.documented().first { $0["route"]?.string == "/api/jobs/{job}/progress" } ?? .null,
            pipeline: "other")
        let id = JobID(unchecked: "article-42")
        let lens = ViewLens(views: ViewSet([view]), opened: view, subject: .job(id))
        let frames = try [
            ViewSamples.article(), ViewSamples.article { $0.version = 18 }, ViewSamples.ended(.completed),
            .job(.unknown(id, epoch: "e7f3", .none)),
        ].map { lens.frame(of: $0) }
        for frame in frames { #expect(frame == frames[3]) }
    }
}
