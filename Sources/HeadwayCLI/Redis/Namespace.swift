import EventLoop
import Headway
import HeadwayWire
import Redis

/// Agrees with everybody else on how many partitions a namespace has: whoever comes first says, and it stays.
enum Namespace {
    static let usualPartitions = 8

    /// - Parameter wish: what was asked for; a namespace that was used before keeps its number, and that is said.
    static func agree(
        _ name: String, wish: Int?, _ redis: RedisChoice, on loop: EventLoop, log: Log
    ) async throws -> Keyspace {
        do {
            _ = try Keyspace(namespace: name, partitions: wish ?? usualPartitions)
        } catch {
            throw UsageError(error == .namespace ? "--namespace: \(error)" : "--partitions: \(error)")
        }
        let keyspace: Keyspace
        do throws(RedisError) {
            let connection = try await RedisConnection.connect(
                to: redis.endpoint, on: loop, name: "headway-config")
            keyspace = try await connection.openNamespace(name, partitions: wish ?? usualPartitions)
            await connection.close()
        } catch {
            throw Failure(redis.advice(error))
        }
        if let wish, wish != keyspace.partitions {
            log.warning(
                "namespace \(name) has \(keyspace.partitions) partitions since it was first used; "
                    + "--partitions \(wish) is ignored")
        }
        return keyspace
    }
}
