/// Names for error messages, read back from the encoded bytes: sending pays nothing for them.
extension CommandBatch {
    /// The names of the commands, in order. O(bytes): for errors and tests.
    package var names: [String] {
        var names: [String] = []
        var reader = Reader(bytes: bytes)
        while let name = reader.nextName() { names.append(name) }
        return names
    }

    /// The command that the reply at `index` answers; "?" when there is none.
    package func name(at index: Int) -> String {
        var reader = Reader(bytes: bytes)
        for _ in 0..<max(0, index) where reader.nextName() == nil { return "?" }
        return reader.nextName() ?? "?"
    }

    /// One command's name, or the first one's and how many there are: `MULTI… (12 commands)`.
    package var summary: String {
        count == 1 ? name(at: 0) : "\(name(at: 0))… (\(count) commands)"
    }

    /// The first error reply, also inside an `EXEC`'s array, as an error that names its command.
    ///
    /// - Parameter replies: what `send` gave for this very batch.
    /// - Complexity: O(replies and elements of arrays); O(bytes) more when there is an error.
    package func firstError(in replies: [RESPValue]) -> RedisError? {
        for (index, reply) in replies.enumerated() {
            if let text = reply.error { return .refusal(text, command: name(at: index)) }
            guard let elements = reply.elements else { continue }
            for (place, element) in elements.enumerated() {
                guard let text = element.error else { continue }
                // The elements of an EXEC answer the commands queued before it.
                let name = name(at: index)
                return .refusal(
                    text, command: name == "EXEC" ? self.name(at: index - elements.count + place) : name)
            }
        }
        return nil
    }

    /// Walks `*n␍␊$len␍␊name␍␊…`; the bytes are our own, so what does not fit ends the walk.
    private struct Reader {
        let bytes: [UInt8]
        var position = 0

        mutating func nextName() -> String? {
            guard let parts = header(UInt8(ascii: "*")), let length = header(UInt8(ascii: "$")) else {
                return nil
            }
            let name = String(decoding: bytes[position..<position + length], as: UTF8.self)
            position += length + 2
            for _ in 1..<parts {
                guard let length = header(UInt8(ascii: "$")) else { return nil }
                position += length + 2
            }
            return name
        }

        private mutating func header(_ mark: UInt8) -> Int? {
            guard position < bytes.count, bytes[position] == mark else { return nil }
            position += 1
            var number = 0
            while position < bytes.count, bytes[position] != UInt8(ascii: "\r") {
                number = number * 10 + Int(bytes[position] - UInt8(ascii: "0"))
                position += 1
            }
            position += 2
            return number
        }
    }
}
