import Foundation
import Glibc

/// A receiver of webhooks in a process of its own, with the code of docs/webhooks.md: gone with the test.
package final class WebhookReceiver: Sendable {
    /// One call as it came.
    package struct Call: Sendable {
        /// `webhook-id`
        package let id: String
        package let type: String
        /// Of `data`, as text: strings, numbers, `true`.
        package let data: [String: String]
        /// Why the signature or the time is wrong; nil when all is well.
        package let fault: String?
        package let body: String
        package let answer: String
        package let at: Double
    }

    package static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    package let port: Int
    private let process: ChildProcess

    package var url: String { "http://127.0.0.1:\(port)/hook" }

    /// - Parameters:
    ///   - answers: as the script's head says.
    ///   - port: where; 0 picks a free one.
    package static func start(
        _ answers: String = "200", port: Int = 0, secret: String = secret
    ) async throws -> WebhookReceiver {
        let directory = ScratchDirectory()
        let house = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = try String(contentsOf: house.appending(path: "docs/webhooks.md"), encoding: .utf8)
        let code = page.components(separatedBy: "```python\n")[1].components(separatedBy: "\n```")[0]
        try code.write(toFile: directory.file("verify.py"), atomically: true, encoding: .utf8)
        let script = house.appending(path: "Tests/SystemTests/Fixtures/webhook_receiver.py").path
        let process = try await ChildProcess.start(
            ["/usr/bin/python3", script, directory.path, secret, "\(port)", answers],
            output: directory.file("log"))
        let file = directory.file("port")
        _ = await eventually(within: .seconds(20)) {
            !process.isRunning || FileManager.default.fileExists(atPath: file)
        }
        guard let found = Int((try? String(contentsOfFile: file, encoding: .utf8)) ?? "") else {
            let log = (try? String(contentsOfFile: directory.file("log"), encoding: .utf8)) ?? ""
            throw RedisServer.Failure(description: "the receiver did not start: \(log)")
        }
        return WebhookReceiver(directory, found, process)
    }

    private init(_ directory: ScratchDirectory, _ port: Int, _ process: ChildProcess) {
        scratch = directory
        self.port = port
        self.process = process
    }
    private let scratch: ScratchDirectory

    deinit { process.kill() }

    package func stop() { process.kill() }

    package var calls: [Call] {
        let text = (try? String(contentsOfFile: scratch.file("calls.jsonl"), encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap { line in
            guard let call = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
                return nil
            }
            let event = call["event"] as? [String: Any] ?? [:]
            let data = (event["data"] as? [String: Any] ?? [:]).mapValues { "\($0)" }
            return Call(
                id: call["id"] as? String ?? "", type: event["type"] as? String ?? "", data: data,
                fault: call["fault"] as? String, body: call["body"] as? String ?? "",
                answer: call["answer"] as? String ?? "", at: call["at"] as? Double ?? 0)
        }
    }

    /// Calls of one type, without repetitions of an id.
    package func events(_ type: String) -> [Call] {
        var seen: Set<String> = []
        return calls.filter { $0.type == type && seen.insert($0.id).inserted }
    }
}
