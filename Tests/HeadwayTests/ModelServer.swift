@testable import Headway

/// Redis and an aggregator as a publisher sees them: streams that may be cut short by a failover, and a receiver
/// that takes `last + 1`, drops what it knows and notes every gap.
struct ModelServer: Equatable {
    struct Entry: Equatable {
        var id: Int64
        var item: Int
    }

    struct Partition: Equatable {
        var stream: [Entry] = []
        var consumed = 0
        var last: Int64 = 0
        var applied: [Int] = []
        var duplicates = 0
        var gaps = 0
    }

    var partitions: [Partition]

    init(partitions count: Int) { partitions = Array(repeating: Partition(), count: count) }

    mutating func append(_ entries: [Entry], to partition: Int) { partitions[partition].stream += entries }

    mutating func consume(_ count: Int, of partition: Int) {
        let end = min(partitions[partition].stream.count - partitions[partition].consumed, count)
        for _ in 0..<end {
            let entry = partitions[partition].stream[partitions[partition].consumed]
            partitions[partition].consumed += 1
            if entry.id <= partitions[partition].last {
                partitions[partition].duplicates += 1
                continue
            }
            if entry.id > partitions[partition].last + 1 { partitions[partition].gaps += 1 }
            partitions[partition].last = entry.id
            partitions[partition].applied.append(entry.item)
        }
    }
}
