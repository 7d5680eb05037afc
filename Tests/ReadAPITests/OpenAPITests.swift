import Foundation
import HTTPServer
import HeadwayCore
import HeadwayWire
import TestSupport
import Testing

@testable import ReadAPI

/// What `/openapi.json` says of itself and of the table of routes. That it is true of answers is seen by
/// `make openapi`.
@Suite("OpenAPI", .timeLimit(.minutes(1)))
struct OpenAPITests {
    private static func served(_ views: [String] = []) throws -> JSON {
        var shelf = PipelineShelf()
        for text in views {
            let document = try PipelineDocument.parseWithViews(Array(text.utf8), file: "test", revision: 1)
                .get()
            _ = shelf.put(document)
        }
        return try JSON(OpenAPIDocument(shelf).content.bytes)
    }

    private static func members(_ json: JSON?) -> [JSON.Member] {
        guard case .object(let members)? = json else { return [] }
        return members
    }

    @Test("every route is in it, and nothing else")
    func routes() throws {
        let paths = Self.members(try Self.served()["paths"])
        let documented = paths.flatMap { path in
            Self.members(path.value).map { "\($0.name.uppercased()) \(path.name)" }
        }
        let real = ReadAPI.router.routes.map { "\($0.method.rawValue) \($0.pattern)" }
        #expect(Set(documented).subtracting(real) == [], "in openapi.json, and not served")
        #expect(Set(real).subtracting(documented) == [], "served, and not in openapi.json")
        #expect(documented.count == real.count)
    }

    @Test("every kind of problem is in it, and no other")
    func problems() throws {
        let schema = try Self.served()["components"]?["schemas"]?["Problem"]
        guard case .array(let types)? = schema?["properties"]?["type"]?["enum"] else {
            Issue.record("no types of problems")
            return
        }
        let real = Problem.Kind.allCases.map { "urn:headway:problem:\($0.rawValue)" } + ["about:blank"]
        #expect(Set(types.compactMap(\.string)) == Set(real))
    }

    @Test("the words of a schema are those of the code")
    func words() throws {
        let schemas = try Self.served()["components"]?["schemas"]
        func words(_ json: JSON?) -> Set<String> {
            guard case .array(let list)? = json else { return [] }
            return Set(list.compactMap(\.string))
        }
        #expect(words(schemas?["Status"]?["enum"]) == Set(JobState.Status.allCases.map(\.rawValue)))
        #expect(words(schemas?["Health"]?["enum"]) == Set(Health.allCases.map(\.rawValue)))
        #expect(words(schemas?["Phase"]?["enum"]) == Set(BulkSummary.Phase.allCases.map(\.rawValue)))
        #expect(words(schemas?["EtaReason"]?["enum"]) == Set(Outlook.Reason.allCases.map(\.rawValue)))
        #expect(
            words(schemas?["Timeline"]?["properties"]?["entries"]?["items"]?["properties"]?["kind"]?["enum"])
                == Set(Transition.Kind.allCases.map(\.rawValue)))
        #expect(
            words(schemas?["Blockers"]?["properties"]?["blockers"]?["items"]?["properties"]?["kind"]?["enum"])
                == Set(BulkBlocker.Kind.allCases.map(\.rawValue)))
        #expect(
            Self.members(schemas?["Job"]?["properties"]).map(\.name)
                == SnapshotShape.job(of: "article").map(\.name), "the snapshot, as types have it")
    }

    @Test("every reference leads somewhere, and every operation has an id of its own")
    func references() throws {
        let document = try Self.served([Self.pictures, Self.paintings])
        var ids: [String] = []
        func look(_ json: JSON) {
            switch json {
            case .object(let members):
                for member in members {
                    if member.name == "$ref", let target = member.value.string {
                        let parts = target.split(separator: "/").dropFirst()
                        let found = parts.reduce(Optional(document)) { $0?[String($1)] }
                        #expect(found != nil, "\(target) leads nowhere")
                    }
                    if member.name == "operationId", let id = member.value.string { ids.append(id) }
                    look(member.value)
                }
            case .array(let elements): elements.forEach(look)
            default: break
            }
        }
        look(document)
        #expect(ids.count == Set(ids).count)
        #expect(ids.count > 20)
    }

    private static let pictures = """
        {"name": "picture", "stages": [{"id": "paint", "range": [0, 100]}], "views": [
          {"route": "/pictures/{job}", "status": {"queued": "NEW", "running": "$stage", "completed": "DONE",
             "failed": "BAD", "cancelled": "BAD"},
           "token": {"header": "X-Session-Token", "required": true},
           "fields": {"status": "$status", "percent": "$percent", "at": "$updatedAt|ms",
                      "note": "$message|omitnull", "text": "${percent} of 100"},
           "errors": {"absent": {"status": 404, "body": {"error": "no picture"}}}},
          {"route": "/pictures/{job}/events", "events": {
             "snapshot": {"event": "status", "data": {"percent": "$percent"}},
             "complete": {"event": "end", "data": {"status": "$status"}}}}]}
        """

    private static let paintings = """
        {"name": "painting", "stages": [{"id": "paint", "range": [0, 100]}], "views": [
          {"route": "/pictures/{job}", "status": {"queued": "NEW", "running": "RUN", "completed": "DONE",
             "failed": "BAD", "cancelled": "BAD"}, "fields": {"state": "$status"}}]}
        """

    @Test("a pipeline's views are in it, in their own words")
    func views() throws {
        let document = try Self.served([Self.pictures, Self.paintings])
        let operation = document["paths"]?["/pictures/{job}"]?["get"]
        let answers = operation?["responses"]
        #expect(
            Self.members(answers).map(\.name) == ["200", "304", "400", "401", "404", "410", "500", "503"])
        let good = answers?["200"]?["content"]?["application/json"]?["schema"]
        guard case .array(let shapes)? = good?["anyOf"] else {
            Issue.record("two pipelines, and not two shapes: \(good?.text ?? "none")")
            return
        }
        #expect(shapes.count == 2)
        let own = shapes.first { $0["properties"]?["percent"] != nil }
        #expect(own?["properties"]?["at"] == (try JSON(Array(#"{"type":"integer"}"#.utf8))))
        #expect(
            own?["properties"]?["text"]
                == (try JSON(Array(#"{"type":"string","pattern":"^.* of 100$"}"#.utf8))))
        guard case .array(let required)? = own?["required"] else { return }
        #expect(required.compactMap(\.string).sorted() == ["at", "percent", "status", "text"])
        let absent = answers?["404"]?["content"]
        #expect(
            absent?["application/json"]?["schema"]?["properties"]?["error"]?["const"] == .string("no picture")
        )
        #expect(absent?["application/problem+json"] != nil, "the other pipeline says it in our words")
        #expect(operation?.text.contains("X-Session-Token") == true)

        let stream = document["paths"]?["/pictures/{job}/events"]?["get"]?["responses"]
        #expect(Self.members(stream).map(\.name) == ["200", "204", "400", "401", "500"])
        let events = stream?["200"]?["content"]?["text/event-stream"]?["x-events"]
        #expect(Self.members(events).map(\.name).sorted() == ["end", "error", "status"])
    }

    @Test("the server has it with a tag, and anew when a pipeline comes")
    func served() async throws {
        try await APIHouse.with { house in
            let first = try await house.client.get("/openapi.json")
            #expect(first.status == 200)
            #expect(first["Content-Type"] == "application/json")
            let tag = try #require(first["ETag"])
            #expect(try await house.client.get("/openapi.json", ["If-None-Match": tag]).status == 304)
            let put = try await house.client.post("/v1/pipelines/picture", Self.pictures, method: "PUT")
            #expect(put.status == 201)
            #expect(
                await eventually(within: .seconds(20)) {
                    let now = try? await house.client.get("/openapi.json", ["If-None-Match": tag])
                    return now?.json["paths"]?["/pictures/{job}"] != nil
                })
        }
    }

    @Test("the page that draws it, and the element, are served; the element to every page")
    func pages() async throws {
        try await APIHouse.with { house in
            let page = try await house.client.get("/docs")
            #expect(page.status == 200)
            #expect(page["Content-Type"] == "text/html; charset=utf-8")
            #expect(page["Content-Security-Policy"]?.contains("script-src 'self'") == true)
            let element = try await house.client.get("/headway.js", ["Origin": "https://app.example"])
            #expect(element.status == 200)
            #expect(element["Content-Type"] == "text/javascript; charset=utf-8")
            #expect(element["Access-Control-Allow-Origin"] == "*")
            #expect(element["Cross-Origin-Resource-Policy"] == "cross-origin")
            let small = try await house.client.get("/headway.js", ["Accept-Encoding": "gzip, br"])
            #expect(small["Content-Encoding"] == "gzip")
            #expect(small["Vary"] == "Accept-Encoding")
            #expect(small.body.count < 6000 && element.body.count < 14_000)
            #expect(small["ETag"] != element["ETag"])
            for tag in [small["ETag"], element["ETag"]].compactMap({ $0 }) {
                #expect(try await house.client.get("/headway.js", ["If-None-Match": tag]).status == 304)
            }
        }
    }
}
