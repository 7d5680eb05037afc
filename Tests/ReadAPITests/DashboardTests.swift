import Dashboard
import Foundation
import HeadwayCore
import HeadwayWire
import TestSupport
import Testing

@testable import ReadAPI

@Suite("What browsers are served", .timeLimit(.minutes(2)))
struct DashboardTests {
    private static var assets: URL {
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Sources/Dashboard/Assets")
    }

    private static func names() throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: assets.path))
    }

    @Test("every file is embedded byte for byte, and none that is not there")
    func embedded() throws {
        #expect(try Set(WebFile.all.keys) == Self.names())
        for (name, file) in WebFile.all {
            #expect(try Array(Data(contentsOf: Self.assets.appending(path: name))) == file.bytes, "\(name)")
            #expect(file.type != "application/octet-stream", "\(name) needs a type")
        }
    }

    @Test("the page and its files come with their type, a tag of their content, and a strict policy")
    func served() async throws {
        try await APIHouse.with { house in
            for target in ["/"] + WebFile.all.keys.map({ "/headway/\($0)" }) {
                let answer = try await house.client.get(target)
                #expect(answer.status == 200, "\(target)")
                #expect(answer["Cache-Control"] == "no-cache")
                #expect(answer["X-Content-Type-Options"] == "nosniff")
                let policy = try #require(answer["Content-Security-Policy"])
                #expect(policy.contains("default-src 'none'") && !policy.contains("unsafe"))
                #expect(policy.contains("frame-ancestors 'none'"))
                let tag = try #require(answer["ETag"])
                let again = try await house.client.get(target, ["If-None-Match": "\"x\", W/\(tag)"])
                #expect(again.status == 304 && again.body.isEmpty, "\(target)")
                #expect(try await house.client.get(target, ["If-None-Match": "\"x\""]).status == 200)
            }
            #expect(try await house.client.get("/")["Content-Type"] == "text/html; charset=utf-8")
            let script = try await house.client.get("/headway/app.js")
            #expect(script["Content-Type"] == "text/javascript; charset=utf-8")
            for target in ["/headway/none.js", "/headway/..%2Fapp.js", "/headway/"] {
                #expect(try await house.client.get(target).status == 404, "\(target)")
            }
        }
    }

    @Test("nothing is inline and nothing comes from elsewhere: every file that one names is served")
    func selfContained() throws {
        let page = String(decoding: try #require(WebFile.all["index.html"]).bytes, as: UTF8.self)
        #expect(page.firstMatch(of: /<style|style="|\son[a-z]+="|<script>/) == nil)
        for reference in page.matches(of: /(?:src|href)="headway\/([^"]+)"/) {
            #expect(WebFile.all[String(reference.1)] != nil, "\(reference.1)")
        }
        for (name, file) in WebFile.all where !name.hasSuffix(".svg") {
            // What a line of comment names, nobody fetches.
            let text = String(decoding: file.bytes, as: UTF8.self).split(separator: "\n")
                .filter { !$0.hasPrefix("//") }.joined(separator: "\n")
            #expect(text.firstMatch(of: /(?:src|href|url|from|import)[("'=\s]+https?:/) == nil, "\(name)")
            for reference in text.matches(of: /from "\.\/([^"]+)"/) {
                #expect(WebFile.all[String(reference.1)] != nil, "\(name) imports \(reference.1)")
            }
        }
    }

    @Test("a stream of the newest bulks names them, newest first, and follows those that come")
    func recent() async throws {
        try await APIHouse.with { house in
            func open(_ id: String, at seconds: Int, version: Int64 = 1, queued: Int = 1) async throws {
                let home = house.keyspace.partition(of: BulkID(unchecked: id))
                let share = Sample.share(
                    id, BulkCounts(queued: queued), version: version, isHome: true,
                    at: Sample.start + .seconds(seconds))
                try await house.writer.put([home: share])
            }
            let stream = try TestStream(port: house.port, "/v1/stream?recent=2")
            let none = try #require(await stream.next("recent"))
            #expect(none.json["bulks"] == .array([]), "also that there is none is said")
            try await open("a", at: 1)
            try await open("b", at: 2)
            #expect(
                await eventually {
                    stream.events("recent").last?.json["bulks"] == .array(["b", "a"].map(JSON.string))
                })
            #expect(
                await eventually {
                    Set(stream.events("bulk").compactMap { $0.json["id"]?.string }) == ["a", "b"]
                })
            try await open("c", at: 3)
            #expect(
                await eventually {
                    stream.events("recent").last?.json["bulks"] == .array(["c", "b"].map(JSON.string))
                })
            #expect(await eventually { stream.events("bulk").contains { $0.json["id"] == .string("c") } })
            // What is among the newest no more is not followed any more.
            let before = stream.events.count
            try await open("a", at: 1, version: 2, queued: 7)
            try await open("c", at: 3, version: 2, queued: 9)
            #expect(
                await eventually { stream.events("bulk").last?.json["counts"]?["queued"] == .number("9") })
            #expect(!stream.events[before...].contains { $0.json["id"] == .string("a") })
            stream.close()
            #expect(await eventually { await house.api.hub.currentStats.watched == 0 })
        }
    }

    @Test("a pulse says how recent all is while nothing happens, and keeps the stream open behind the end")
    func pulse() async throws {
        var options = ReadAPIOptions()
        options.live.lingering = .milliseconds(300)
        try await APIHouse.with(options: options) { house in
            try await house.writer.put(Sample.job("a", .completed, version: 3))
            let stream = try TestStream(port: house.port, "/v1/stream?jobs=a&pulse=true")
            _ = try #require(await stream.next("complete"))
            #expect(await eventually(within: .seconds(20)) { stream.events("pulse").count >= 3 })
            let pulse = try #require(stream.events("pulse").last)
            #expect(pulse.json["asOf"]?.string != nil && pulse.json["lagMs"] != nil)
            #expect(pulse.id == nil && !stream.isEnded)
            await house.writer.stopBeating()
            #expect(
                await eventually(within: .seconds(30)) {
                    stream.events("pulse").last?.json["stale"] == .bool(true)
                })
            let alone = try TestStream(port: house.port, "/v1/stream?pulse=true")
            #expect(await alone.next("pulse") != nil)
            #expect(alone.events("complete").isEmpty)
        }
    }

    @Test(
        "recent and pulse out of bounds are refused",
        arguments: ["recent=0", "recent=101", "recent=x", "pulse=1"])
    func bounds(_ query: String) async throws {
        try await APIHouse.with { house in
            let answer = try await house.client.get("/v1/stream?\(query)")
            #expect(answer.status == 400)
            #expect(answer.json["parameter"] == .string(String(query.prefix { $0 != "=" })))
        }
    }

    @Test("the aggregators' report names who owns what and how far behind it is")
    func aggregators() async throws {
        try await APIHouse.with { house in
            let first = try await house.client.get("/v1/aggregators")
            #expect(first.status == 200 && first["Cache-Control"] == "no-store")
            guard case .array(let partitions) = first.json["partitions"] else {
                Issue.record("no partitions")
                return
            }
            #expect(partitions.count == 4)
            #expect(partitions.allSatisfy { $0["owner"]?.string != nil && $0["halted"] == .bool(false) })
            #expect(partitions.map { $0["partition"] } == (0..<4).map { .number("\($0)") })
            #expect(first.json["asOf"]?.string != nil)
            // Behind by what nobody has read.
            let id = JobID(unchecked: "waiting")
            _ = try await house.writer.send(
                "XADD", house.keyspace.events(house.keyspace.partition(of: id)), "*", "type", "job.started")
            let second = try await house.client.get("/v1/aggregators")
            guard case .array(let behind) = second.json["partitions"] else { return }
            #expect(behind[house.keyspace.partition(of: id)]["lagEvents"] == .number("1"))
        }
    }
}
