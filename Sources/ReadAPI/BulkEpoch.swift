/// One epoch for what was read from many partitions: it changes when any of theirs does, and every reader
/// makes the same one of the same parts.
enum BulkEpoch {
    /// - Parameter epochs: one per partition, in order; empty where nobody has ever owned it.
    /// - Returns: the epoch itself when there is one partition; else 16 hex digits (FNV-1a, 64 bits).
    static func joined(_ epochs: [String]) -> String {
        epochs.count == 1 ? epochs[0] : digest(epochs)
    }

    /// 16 hex digits of some texts in order (FNV-1a, 64 bits): tells lists apart, proves nothing.
    static func digest(_ texts: some Sequence<String>) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for text in texts {
            for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
            hash = (hash ^ 0xff) &* 0x0000_0100_0000_01b3
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
