import HeadwayCore
import HeadwayWire

/// A message that a watcher's hub never heard: what it announced must be shown all the same, soon.
struct Missed {
    /// As it was shown when the message got lost.
    var shownEpoch: String
    /// As it was announced.
    var epoch: String
    var version: Int64
    var at: Duration

    /// Two looks at where the partitions stand, half a second apart: within a second. Then there is the way that the
    /// questions and answers take (up to 8 ms each in a quiet world), and the pause between two reads of a bulk.
    static let limit = Duration.milliseconds(1_250)

    func isHealed(by epoch: String, _ version: Int64) -> Bool {
        epoch != shownEpoch || epoch == self.epoch && version >= self.version
    }
}

extension World {
    /// Σ of the versions of a bulk's shares, as Redis holds them.
    func storedVersion(of bulk: BulkID) -> Int64 {
        (0..<keyspace.partitions).reduce(0) { sum, partition in
            guard case .hash(let share)? = front?.redis.value(Bytes(keyspace.bulk(partition, bulk))) else {
                return sum
            }
            return sum + (share[Bytes("version")].flatMap { Int64($0.text) } ?? 0)
        }
    }
}
