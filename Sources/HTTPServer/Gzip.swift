import CZlib

/// The content coding `gzip`, for what is the same for everybody: compress it once, and keep it.
package enum Gzip {
    /// - Returns: nil when it would not become smaller. Costs about a millisecond for 50 KiB.
    package static func compressed(_ bytes: [UInt8]) -> [UInt8]? {
        let result = unsafe [UInt8](unsafeUninitializedCapacity: bytes.count) { room, count in
            count = unsafe bytes.withUnsafeBufferPointer { source in
                unsafe Int(
                    gzip_whole(source.baseAddress, UInt(source.count), room.baseAddress, UInt(room.count)))
            }
        }
        return result.isEmpty ? nil : result
    }

    /// Whether the client takes it, by `Accept-Encoding` (RFC 9110, 12.5.3): named, or meant by `*`, and not with
    /// a weight of 0.
    package static func isAccepted(by request: HTTPRequest) -> Bool {
        guard let header = request.header("Accept-Encoding") else { return false }
        var any = false
        for part in header.lowercased().split(separator: ",") {
            let words = part.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
            guard let name = words.first, name == "gzip" || name == "*" else { continue }
            let weight = words.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 }
            let isWanted = (weight ?? 1) > 0
            if name == "gzip" { return isWanted }
            any = isWanted
        }
        return any
    }
}
