import EventLoop
import HeadwayWire
import ReadAPI
import Redis

/// What a command that asks or tells Redis needs: a loop, an agreed namespace, a reader. Opened once, closed at the end.
struct Desk: Sendable {
    let loop: EventLoop
    let redis: RedisChoice
    let keyspace: Keyspace
    let reader: StatusReader

    /// Opens a desk, lets `body` work at it, and closes it whatever happens.
    static func with<Result: Sendable>(
        _ invocation: Invocation, _ body: (Desk) async throws -> Result
    ) async throws -> Result {
        let redis = try RedisChoice.of(invocation)
        let loop = EventLoop(name: "headway")
        do {
            let desk = try await open(invocation, redis, on: loop)
            let result: Swift.Result<Result, any Error>
            do {
                result = .success(try await body(desk))
            } catch let error as ReadError {
                result = .failure(Failure(desk.advice(error)))
            } catch {
                result = .failure(error)
            }
            await desk.reader.close()
            await loop.stop()
            return try result.get()
        } catch {
            await loop.stop()
            throw error
        }
    }

    private static func open(_ invocation: Invocation, _ redis: RedisChoice, on loop: EventLoop) async throws
        -> Desk
    {
        let keyspace = try await Namespace.agree(
            invocation.arguments.text("namespace") ?? "hw", wish: nil, redis, on: loop, log: invocation.log)
        let reader = StatusReader(keyspace: keyspace, endpoint: redis.endpoint, on: loop)
        return Desk(loop: loop, redis: redis, keyspace: keyspace, reader: reader)
    }

    func advice(_ error: ReadError) -> String {
        switch error {
        case .redis(let cause): redis.advice(cause)
        case .unreadable: "\(error)"
        }
    }
}
