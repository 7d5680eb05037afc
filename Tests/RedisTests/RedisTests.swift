import EventLoop
import Redis
import TestSupport
import Testing

/// One loop for all tests of this room: what lives on it must not block it, which is a test of its own.
let loop = EventLoop(name: "redis-tests")

/// Runs `body` with a fresh server and a connection to it.
func withServer<R>(
    password: String? = nil, on loop: EventLoop = loop,
    _ body: (RedisServer, RedisConnection) async throws -> R
) async throws -> R {
    let server = try await RedisServer.start(password: password)
    let connection = try await RedisConnection.connect(to: server.endpoint, on: loop)
    let result = try await body(server, connection)
    await connection.close()
    return result
}

/// Waits until the server holds a client in a blocking command: only then is its call under way.
func waitUntilBlocked(on server: RedisServer) async throws {
    let observer = try await RedisConnection.connect(to: server.endpoint, on: loop)
    let isBlocked = try await eventually {
        try await observer.send("CLIENT", "LIST").string?.contains("cmd=blpop") == true
    }
    await observer.close()
    try #require(isBlocked)
}

extension CommandBatch {
    /// A batch of commands written as words: `["SET a 1", "GET a"]`.
    init(_ commands: String...) {
        self.init()
        for command in commands {
            let words = command.split(separator: " ").map(String.init)
            add(words[0], words.dropFirst())
        }
    }
}
