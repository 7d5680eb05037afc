import Foundation
import HeadwayWire
import TestSupport
import Testing

/// Who tells the events: every way in that docs/wire.md and docs/api.md know, but for the Swift library.
enum Producer: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case cloudEvents = "POST /v1/events"
    case command = "headway publish"
    case redisPy = "XADD with redis-py"

    var testDescription: String { rawValue }
}

/// One event, in the words of docs/wire.md.
struct Told: Sendable {
    let type: String
    let subject: String
    let fields: [(String, String)]

    init(_ type: String, _ subject: String, _ fields: KeyValuePairs<String, String> = [:]) {
        self.type = type
        self.subject = subject
        self.fields = fields.map { ($0.key, $0.value) }
    }
}

extension ContractServer {
    /// One event over HTTP.
    func tell(_ type: String, _ subject: String, _ fields: KeyValuePairs<String, String> = [:]) async throws {
        try await tell([Told(type, subject, fields)])
    }

    func tell(_ events: [Told], by producer: Producer = .cloudEvents) async throws {
        switch producer {
        case .cloudEvents:
            let answer = try await post(
                "/v1/events", Self.batch(events), type: "application/cloudevents-batch+json")
            guard answer.status == 202 else { throw Failure(description: "POST /v1/events: \(answer.body)") }
        case .command:
            for event in events {
                let words = ["publish", event.type, event.subject] + event.fields.map { "\($0.0)=\($0.1)" }
                let outcome = try await run(words)
                guard outcome.code == 0 else { throw Failure(description: "\(words): \(outcome.output)") }
            }
        case .redisPy:
            let script = Self.root.appending(path: "Tests/ContractTests/Fixtures/tell.py").path
            let lines = events.map { event in
                JSON.array(
                    [.string(event.type), .string(event.subject)] + [
                        .object(event.fields.map { JSON.Member($0.0, .string($0.1)) })
                    ]
                ).text
            }
            // Debian's own Python: it is the one that python3-redis belongs to.
            let outcome = try await run([script, redis] + lines, program: "/usr/bin/python3")
            guard outcome.code == 0 else { throw Failure(description: outcome.output) }
        }
    }

    private static func batch(_ events: [Told]) -> String {
        JSON.array(
            events.map { event in
                var members = [
                    JSON.Member("specversion", .string("1.0")), JSON.Member("type", .string(event.type)),
                    JSON.Member("source", .string("https://example.org/contract")),
                    JSON.Member("id", .string(UUID().uuidString)),
                    JSON.Member("subject", .string(event.subject)),
                ]
                var data: [JSON.Member] = []
                var attributes: [JSON.Member] = []
                for (name, value) in event.fields {
                    if name.hasPrefix("attr.") {
                        attributes.append(JSON.Member(String(name.dropFirst(5)), .string(value)))
                    } else if let number = Int(value), name != "checkpoint", name != "result" {
                        data.append(JSON.Member(name, .number(number)))
                    } else {
                        data.append(JSON.Member(name, .string(value)))
                    }
                }
                if !attributes.isEmpty { data.append(JSON.Member("attributes", .object(attributes))) }
                members.append(JSON.Member("data", .object(data)))
                return .object(members)
            }
        ).text
    }
}
