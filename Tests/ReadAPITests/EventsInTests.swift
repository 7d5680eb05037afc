import HeadwayCore
import HeadwayWire
import Redis
import TestSupport
import Testing

@testable import ReadAPI

@Suite("Events over HTTP", .timeLimit(.minutes(2)))
struct EventsInTests {
    private func event(_ id: String, _ subject: String, _ type: String = "job.heartbeat", data: String = "{}")
        -> String
    {
        #"{"specversion":"1.0","type":"\#(type)","source":"shop","id":"\#(id)","subject":"\#(subject)","data":\#(data)}"#
    }

    /// The fields of every entry in a partition's stream.
    private func entries(_ house: APIHouse, _ partition: Int) async throws -> [[String: String]] {
        let reply = try await house.writer.send("XRANGE", house.keyspace.events(partition), "-", "+")
        return (reply.elements.map { Array($0) } ?? []).map { entry in
            let texts = entry.elements?[1].elements?.compactMap(\.string) ?? []
            var fields: [String: String] = [:]
            for place in stride(from: 0, to: texts.count - 1, by: 2) {
                fields[texts[place]] = texts[place + 1]
            }
            return fields
        }
    }

    @Test("one event lands in its job's partition, with the client's source and id as origin")
    func single() async throws {
        try await APIHouse.with { house in
            let body = event(
                "1", "article-42", "stage.progressed", data: #"{"stage":"writing","done":3,"total":10}"#)
            let answer = try await house.client.post("/v1/events", body, type: "application/cloudevents+json")
            #expect(answer.status == 202)
            #expect(answer.json["accepted"] == .number("1"))
            let partition = house.keyspace.partition(of: JobID(unchecked: "article-42"))
            let stored = try await entries(house, partition)
            #expect(stored.count == 1)
            #expect(stored.first?["type"] == "stage.progressed")
            #expect(stored.first?["subject"] == "article-42")
            #expect(stored.first?["done"] == "3")
            #expect(stored.first?["origin"] == "shop 1")
            #expect(stored.first?["source"] == nil)
        }
    }

    @Test(
        "a batch is spread over the partitions, by its type or by its shape",
        arguments: [
            "application/cloudevents-batch+json", "application/json",
        ])
    func batch(_ type: String) async throws {
        try await APIHouse.with { house in
            let body = "[" + (0..<50).map { event("\($0)", "j\($0)") }.joined(separator: ",") + "]"
            let answer = try await house.client.post("/v1/events", body, type: type)
            #expect(answer.status == 202)
            var count = 0
            for partition in 0..<4 {
                let stored = try await entries(house, partition)
                count += stored.count
                for entry in stored {
                    #expect(
                        house.keyspace.partition(of: JobID(unchecked: entry["subject"] ?? "")) == partition)
                }
            }
            #expect(count == 50)
        }
    }

    @Test("one bad event and none is accepted; the answer names it")
    func allOrNothing() async throws {
        try await APIHouse.with { house in
            let body = "[\(event("1", "a")),\(event("2", "b", "job.sideways")),\(event("3", "no spaces"))]"
            let answer = try await house.client.post("/v1/events", body)
            #expect(answer.status == 400)
            #expect(answer.json["type"] == .string("urn:headway:problem:bad-events"))
            guard case .array(let errors) = answer.json["errors"] else {
                Issue.record("no errors")
                return
            }
            #expect(errors.map { $0["index"] } == [.number("1"), .number("2")])
            #expect(errors.map { $0["reason"] } == [.string("unknown_type"), .string("malformed")])
            for partition in 0..<4 { #expect(try await entries(house, partition).isEmpty) }
        }
    }

    @Test("while Redis is away events are 503 with a Retry-After")
    func outage() async throws {
        try await APIHouse.with { house in
            await house.writer.stopBeating()
            await house.redis.stop()
            let answer = try await house.client.post("/v1/events", event("1", "a"))
            #expect(answer.status == 503)
            #expect(answer["Retry-After"] == "1")
        }
    }

    @Test("a pipeline that was applied a moment ago is found, however often it was asked for before")
    func justApplied() async throws {
        try await APIHouse.with { house in
            for _ in 0..<5 {
                #expect(try await house.client.post("/v1/jobs", #"{"pipeline":"article"}"#).status == 400)
            }
            try await house.writer.store(Sample.document())
            #expect(try await house.client.post("/v1/jobs", #"{"pipeline":"article"}"#).status == 202)
        }
    }

    @Test("a job is registered with a token whose digest alone goes on the wire")
    func register() async throws {
        try await APIHouse.with { house in
            try await house.writer.store(Sample.document())
            let body =
                #"{"pipeline":"article","id":"a-1","bulk":"spring","label":"One","weight":3,"attributes":{"mode":"x"}}"#
            let answer = try await house.client.post("/v1/jobs", body)
            #expect(answer.status == 202)
            #expect(answer["Location"] == "/v1/jobs/a-1")
            #expect(answer.json["status"] == .string("queued"))
            #expect(answer.json["links"]?["events"] == .string("/v1/jobs/a-1/events"))
            let token = try #require(answer.json["token"]?.string)
            let stored = try await entries(house, house.keyspace.partition(of: JobID(unchecked: "a-1")))
            #expect(stored.first?["type"] == "job.queued")
            #expect(stored.first?["pipeline"] == "article")
            #expect(stored.first?["bulk"] == "spring")
            #expect(stored.first?["weight"] == "3")
            #expect(stored.first?["attr.mode"] == "x")
            #expect(stored.first?["token"] == SHA256.hex(token))
            #expect(stored.first?.values.contains(token) == false)

            let made = try await house.client.post("/v1/jobs", #"{"pipeline":"article@1"}"#)
            #expect(made.json["id"]?.string?.hasPrefix("job-") == true)
            let unknown = try await house.client.post("/v1/jobs", #"{"pipeline":"other"}"#)
            #expect(unknown.status == 400)
        }
    }

    @Test("who registers a job again gets no second token, and needs the first one or its digest")
    func registerAgain() async throws {
        try await APIHouse.with { house in
            try await house.writer.store(Sample.document())
            var job = Sample.job("a-1")
            job.token = SHA256.hex("mine")
            try await house.writer.put(job)
            let body = #"{"pipeline":"article","id":"a-1"}"#
            #expect(try await house.client.post("/v1/jobs", body).status == 401)
            #expect(try await house.client.post("/v1/jobs?token=other", body).status == 403)
            let other = #"{"pipeline":"article","id":"a-1","tokenDigest":"\#(SHA256.hex("other"))"}"#
            #expect(try await house.client.post("/v1/jobs", other).status == 401)
            let again = #"{"pipeline":"article","id":"a-1","tokenDigest":"\#(SHA256.hex("mine"))"}"#
            for answer in [
                try await house.client.post("/v1/jobs?token=mine", body),
                try await house.client.post("/v1/jobs", again),
            ] {
                #expect(answer.status == 202)
                #expect(answer.json["token"] == .null)
                #expect(answer.json["status"] == .string("running"))
            }
            let stored = try await entries(house, house.keyspace.partition(of: JobID(unchecked: "a-1")))
            #expect(stored.map { $0["token"] } == [SHA256.hex("mine"), SHA256.hex("mine")])
        }
    }

    @Test("a job is everybody's when its producer says so, and may bring the digest of a token of its own")
    func tokenChoice() async throws {
        try await APIHouse.with { house in
            try await house.writer.store(Sample.document())
            func register(_ rest: String) async throws -> TestClient.Response {
                try await house.client.post("/v1/jobs", #"{"pipeline":"article",\#(rest)}"#)
            }
            let open = try await register(#""id":"open","token":false"#)
            let brought = try await register(#""id":"own","tokenDigest":"\#(SHA256.hex("s3cret"))""#)
            for (id, answer, digest) in [("open", open, nil), ("own", brought, SHA256.hex("s3cret"))] {
                #expect(answer.status == 202, "\(answer.text)")
                #expect(answer.json["token"] == .null)
                let stored = try await entries(house, house.keyspace.partition(of: JobID(unchecked: id)))
                #expect(stored.first { $0["subject"] == id }?["token"] == digest)
            }
            #expect(try await register(#""id":"x","token":"text""#).status == 400)
            #expect(try await register(#""id":"x","tokenDigest":"ABC""#).status == 400)
            let digest = SHA256.hex("s")
            #expect(try await register(#""id":"x","token":false,"tokenDigest":"\#(digest)""#).status == 400)
        }
    }

    @Test("cancel and seal are events in the right stream, and make no sense of what has ended")
    func operations() async throws {
        try await APIHouse.with { house in
            try await house.writer.put(Sample.job("a"))
            try await house.writer.put(Sample.job("done", .completed))
            let home = house.keyspace.partition(of: BulkID(unchecked: "x"))
            try await house.writer.put([home: Sample.share("x", BulkCounts(running: 1), isHome: true)])

            #expect(try await house.client.post("/v1/jobs/a/cancel", #"{"message":"enough"}"#).status == 202)
            #expect(try await house.client.post("/v1/jobs/done/cancel", "").status == 409)
            #expect(try await house.client.post("/v1/jobs/never/cancel", "").status == 404)
            #expect(try await house.client.post("/v1/bulks/x/cancel", "").status == 202)
            #expect(try await house.client.post("/v1/bulks/x/seal", "").status == 400)
            #expect(try await house.client.post("/v1/bulks/x/seal", #"{"total":4}"#).status == 202)
            #expect(try await house.client.post("/v1/bulks/never/seal", "").status == 404)

            let partition = house.keyspace.partition(of: JobID(unchecked: "a"))
            let job = try await entries(house, partition).filter { $0["subject"] == "a" }
            #expect(job.map { $0["type"] } == ["job.cancelRequested"])
            #expect(job.first?["message"] == "enough")
            let bulk = try await entries(house, home).filter { $0["subject"] == "x" }
            #expect(bulk.map { $0["type"] } == ["bulk.cancelRequested", "bulk.sealed"])
            #expect(bulk.last?["total"] == "4")
        }
    }

    @Test("a pipeline that is put again is the same revision, another content is the next one")
    func pipelines() async throws {
        try await APIHouse.with { house in
            func put(_ body: String, _ name: String = "article") async throws -> TestClient.Response {
                try await house.client.post("/v1/pipelines/\(name)", body, method: "PUT")
            }
            let first = try await put(Sample.article)
            #expect(first.status == 201)
            #expect(first.json["revision"] == .number("1"))
            let again = try await put(Sample.article.replacing("\n", with: "  "))
            #expect(again.status == 200)
            #expect(again.json["revision"] == .number("1"))
            let changed = try await put(Sample.article.replacing("Drawing\"", with: "Painting\""))
            #expect(changed.json["revision"] == .number("2"))

            let list = try await house.client.get("/v1/pipelines")
            guard case .array(let all) = list.json["pipelines"] else {
                Issue.record("no pipelines")
                return
            }
            #expect(all.map { $0["revision"] } == [.number("2")])

            #expect(try await put(Sample.article, "other").status == 422)
            let wrong = try await put(#"{"name":"article","stages":[{"id":"a b"}],"hartbeat":"1s"}"#)
            #expect(wrong.status == 422)
            guard case .array(let problems) = wrong.json["problems"] else {
                Issue.record("no problems")
                return
            }
            #expect(problems.count >= 2)
        }
    }
}
