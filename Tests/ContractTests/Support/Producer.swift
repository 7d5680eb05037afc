import Foundation
import HeadwayWire
import EventLoop
import Synchronization
import TestSupport
import Testing

/// Who tells the events: every way in that docs/wire.md and docs/api.md know, and the Swift library.
enum Producer: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case cloudEvents = "POST /v1/events"
    case command = "headway publish"
    case redisPy = "XADD with redis-py"
    /// A worker process with typed stages, which is told what to say next (`Tests/ContractWorker/Play.swift`).
    case library = "the Swift library"

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
        case .library:
            for event in events { try await worker(of: event.subject).say(event) }
        }
    }

    /// The worker process of a job: started with its first event, and the same one until its last.
    private func worker(of job: String) async throws -> LibraryWorker {
        if let known = workers.withLock({ $0[job] }) { return known }
        let worker = try await LibraryWorker.start(
            job, of: pipelines[0], redis: redis, in: directory)
        workers.withLock { $0[job] = worker }
        return worker
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

/// One `ContractWorker play`, told what to do by lines of a file.
final class LibraryWorker: Sendable {
    private let orders: String
    private let output: String
    private let process: ChildProcess
    private let told = Mutex(0)

    static func start(
        _ job: String, of pipeline: String, redis: String, in directory: ScratchDirectory
    ) async throws -> LibraryWorker {
        let orders = directory.file("\(job).orders")
        let output = directory.file("\(job).library")
        let process = try await ChildProcess.start(
            [ContractServer.program("ContractWorker"), "play", pipeline, redis, job, orders], output: output)
        return LibraryWorker(orders, output, process)
    }

    private init(_ orders: String, _ output: String, _ process: ChildProcess) {
        self.orders = orders
        self.output = output
        self.process = process
    }

    /// Returns once what the library said of it is in Redis.
    func say(_ event: Told) async throws {
        let line = ([event.type] + event.fields.map { "\($0.0)=\($0.1)" }).joined(separator: "\t")
        let number = told.withLock { told in
            told += 1
            return told
        }
        let past = ContractServer.text(orders)
        try (past + line + "\n").write(toFile: orders, atomically: true, encoding: .utf8)
        let isDone = await eventually(within: .seconds(20), every: .milliseconds(3)) {
            ContractServer.text(output).contains("did \(number)\n") || !process.isRunning
        }
        guard isDone, ContractServer.text(output).contains("did \(number)\n") else {
            throw ContractServer.Failure(
                description: "the worker did not do \(line): \(ContractServer.text(output))")
        }
    }
}
