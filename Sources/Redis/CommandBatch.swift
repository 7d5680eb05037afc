/// Commands, already encoded as RESP2 and ready to be sent: one buffer of bytes, nothing per command.
///
///     var batch = CommandBatch()
///     batch.add("MULTI")
///     batch.begin("HSET", argumentCount: 3)
///     batch.append(key)
///     batch.append("v")
///     batch.append(version)
///     batch.add("EXEC")
///
/// Every argument is a bulk string (`$length␍␊bytes␍␊`) whatever it is made of, so any byte is allowed in it.
/// A batch that is emptied with `removeAll(keepingCapacity: true)` and filled again does not allocate.
package struct CommandBatch: Sendable, Equatable {
    /// Commands begun; the server answers each with one reply.
    package private(set) var count = 0
    package private(set) var bytes: [UInt8] = []
    /// Arguments that the last command still waits for.
    private var missing = 0

    package init() {}

    package var isEmpty: Bool { count == 0 }

    /// Whether every command has all the arguments it announced.
    package var isComplete: Bool { missing == 0 }

    /// Appends a whole command. Convenient, not for hot paths: it makes an array of the arguments.
    package mutating func add(_ name: String, _ arguments: String...) { add(name, arguments) }

    package mutating func add(_ name: String, _ arguments: some Collection<String>) {
        begin(name, argumentCount: arguments.count)
        for argument in arguments { append(argument) }
    }

    /// Begins a command; exactly `argumentCount` calls of `append` must follow.
    package mutating func begin(_ name: String, argumentCount: Int) {
        precondition(missing == 0, "\(name) begun while the command before it lacks \(missing) arguments")
        unsafe write(atMost: RESPPen.header) { pen in
            unsafe pen.header(UInt8(ascii: "*"), UInt(argumentCount + 1))
        }
        count += 1
        missing = argumentCount + 1
        append(name)
    }

    package mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { unsafe argument($0) }
    }

    package mutating func append(_ raw: [UInt8]) {
        unsafe raw.withUnsafeBufferPointer { unsafe argument($0) }
    }

    package mutating func append(_ raw: ArraySlice<UInt8>) {
        unsafe raw.withUnsafeBufferPointer { unsafe argument($0) }
    }

    package mutating func append(_ raw: some Collection<UInt8>) {
        if raw.withContiguousStorageIfAvailable({ unsafe argument($0) }) == nil { append(Array(raw)) }
    }

    /// Appends a number as decimal text.
    package mutating func append(_ number: Int64) { append(Int(number)) }

    /// Appends a number as decimal text.
    package mutating func append(_ number: Int) {
        takeArgument()
        let digits = number.magnitude.decimalDigits
        unsafe write(atMost: RESPPen.header + digits + 1) { pen in
            unsafe pen.header(UInt8(ascii: "$"), digits + (number < 0 ? 1 : 0))
            if number < 0 { unsafe pen.put(UInt8(ascii: "-")) }
            unsafe pen.put(number.magnitude, digits: digits)
            unsafe pen.endOfLine()
        }
    }

    /// Appends one argument per part of `source`, where part *n* ends at `ends[n]`: a hash's fields in one go.
    ///
    /// The hot path of whoever writes many hashes: room is made once, and nothing is counted or retained per part.
    package mutating func append(parts source: [UInt8], endingAt ends: [Int]) {
        precondition(ends.count <= missing, "more arguments than the command announced")
        precondition(ends.last ?? 0 <= source.count, "a part ends behind the source")
        missing -= ends.count
        unsafe write(atMost: UInt(source.count) + (RESPPen.header + 2) * UInt(ends.count)) { pen in
            unsafe source.withUnsafeBufferPointer { whole in
                var start = 0
                for end in ends {
                    precondition(start <= end, "parts out of order")
                    unsafe pen.header(UInt8(ascii: "$"), UInt(end - start))
                    unsafe pen.put(UnsafeBufferPointer(rebasing: whole[start..<end]))
                    unsafe pen.endOfLine()
                    start = end
                }
            }
        }
    }

    /// Appends the commands of another batch.
    package mutating func append(_ other: CommandBatch) {
        precondition(missing == 0 && other.missing == 0, "a batch is joined in the middle of a command")
        bytes.append(contentsOf: other.bytes)
        count += other.count
    }

    package mutating func reserveCapacity(_ byteCount: Int) { bytes.reserveCapacity(byteCount) }

    package mutating func removeAll(keepingCapacity: Bool = true) {
        bytes.removeAll(keepingCapacity: keepingCapacity)
        count = 0
        missing = 0
    }

    // MARK: Encoding

    private mutating func takeArgument() {
        precondition(missing > 0, "an argument too many, or one before its command")
        missing -= 1
    }

    private mutating func argument(_ raw: UnsafeBufferPointer<UInt8>) {
        takeArgument()
        unsafe write(atMost: RESPPen.header + UInt(raw.count)) { pen in
            unsafe pen.header(UInt8(ascii: "$"), UInt(raw.count))
            unsafe pen.put(raw)
            unsafe pen.endOfLine()
        }
    }

    /// Makes room once, then lets `body` write into it without looking at every byte.
    @inline(__always)
    private mutating func write(atMost room: UInt, _ body: (inout RESPPen) -> Void) {
        bytes.append(addingCapacity: Int(room)) { output in
            unsafe output.withUnsafeMutableBufferPointer { target, filled in
                guard let start = target.baseAddress else { return }
                var pen = unsafe RESPPen(place: start)
                unsafe body(&pen)
                filled = unsafe pen.place - start
                precondition(filled <= target.count)
            }
        }
    }
}
