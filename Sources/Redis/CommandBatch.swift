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
        header(UInt8(ascii: "*"), argumentCount + 1)
        count += 1
        missing = argumentCount + 1
        append(name)
    }

    package mutating func append(_ text: String) {
        argument(text.utf8.count)
        bytes.append(contentsOf: text.utf8)
        endOfLine()
    }

    /// Appends a number as decimal text.
    package mutating func append(_ number: Int) {
        argument(Self.digits(of: number.magnitude) + (number < 0 ? 1 : 0))
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        decimal(number.magnitude)
        endOfLine()
    }

    package mutating func append(_ number: Int64) { append(Int(number)) }

    package mutating func append(_ raw: [UInt8]) {
        argument(raw.count)
        bytes.append(contentsOf: raw)
        endOfLine()
    }

    package mutating func append(_ raw: ArraySlice<UInt8>) {
        argument(raw.count)
        bytes.append(contentsOf: raw)
        endOfLine()
    }

    package mutating func append(_ raw: some Collection<UInt8>) {
        argument(raw.count)
        bytes.append(contentsOf: raw)
        endOfLine()
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

    private mutating func argument(_ length: Int) {
        precondition(missing > 0, "an argument too many, or one before its command")
        missing -= 1
        header(UInt8(ascii: "$"), length)
    }

    private mutating func header(_ mark: UInt8, _ number: Int) {
        bytes.append(mark)
        decimal(number.magnitude)
        endOfLine()
    }

    private mutating func endOfLine() {
        bytes.append(UInt8(ascii: "\r"))
        bytes.append(UInt8(ascii: "\n"))
    }

    private mutating func decimal(_ number: UInt) {
        if number < 10 { return bytes.append(UInt8(ascii: "0") + UInt8(number)) }
        let length = Self.digits(of: number)
        let start = bytes.count
        for _ in 0..<length { bytes.append(0) }
        var rest = number
        var place = start + length
        while place > start {
            place -= 1
            bytes[place] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
    }

    private static func digits(of number: UInt) -> Int {
        var count = 1
        var limit = number
        while limit >= 10 {
            limit /= 10
            count += 1
        }
        return count
    }
}
