import CHiredis

/// Owns one `redisReader *` and the builder that it reports to. Lives on the loop's thread.
///
/// The builder lies in memory of its own, so that hiredis can be handed its address, and a value read costs no
/// reference count and no check for overlapping access (which took 40 % of the time when it was a class).
@safe
final class RESPReader {
    private let building: UnsafeMutablePointer<RESPBuilder>
    private let limits: RESPLimits
    private let reader: UnsafeMutablePointer<redisReader>
    private let sink: UnsafeMutablePointer<reply_sink>
    /// Once set, nothing is read any more.
    private var fault: RedisError?

    init(limits: RESPLimits) {
        self.limits = limits
        unsafe building = .allocate(capacity: 1)
        unsafe building.initialize(to: RESPBuilder(limits: limits))
        unsafe sink = .allocate(capacity: 1)
        unsafe sink.initialize(to: Self.sink(into: building))
        guard let reader = unsafe reply_reader_new(sink) else {
            preconditionFailure("hiredis: out of memory")
        }
        unsafe self.reader = reader
    }

    deinit {
        unsafe redisReaderFree(reader)
        unsafe sink.deallocate()
        unsafe building.deinitialize(count: 1).deallocate()
    }

    /// Adds bytes as they came from the socket; they are copied.
    func feed(_ bytes: UnsafeRawBufferPointer) throws(RedisError) {
        if let fault { throw fault }
        let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        guard unsafe redisReaderFeed(reader, start, bytes.count) == REDIS_OK else { throw refused() }
    }

    /// Reads one more reply into the builder.
    ///
    /// - Returns: false when the bytes fed so far do not hold a whole one.
    /// - Throws: `protocolViolation` or `tooLarge`, without a command's name; the reader is useless then.
    func next() throws(RedisError) -> Bool {
        if let fault { throw fault }
        var reply: UnsafeMutableRawPointer?
        guard unsafe redisReaderGetReply(reader, &reply) == REDIS_OK else { throw refused() }
        if unsafe reply != nil { return true }
        try checkUnfinished()
        return false
    }

    /// The only reply read since the last taking.
    func takeOne() -> RESPValue { unsafe building.pointee.takeOne() }

    /// All replies read since the last taking, which are `count`.
    func take(_ count: Int) -> [RESPValue] { unsafe building.pointee.take(count) }

    /// The text of the first reply not taken yet, if it is an error: what a server says before it hangs up.
    var firstError: String? { unsafe building.pointee.firstError }

    private func fail(_ code: RedisError.Code, _ detail: String) -> RedisError {
        let error = RedisError(code, command: "", detail: detail)
        fault = error
        return error
    }

    private func refused() -> RedisError {
        if let refusal = unsafe building.pointee.refusal { return fail(refusal.code, refusal.detail) }
        let text = unsafe withUnsafeBytes(of: &reader.pointee.errstr) {
            unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        return fail(.protocolViolation, text)
    }

    /// hiredis waits for as many bytes as it was promised, and for the end of a line for ever.
    private func checkUnfinished() throws(RedisError) {
        let unread = unsafe reader.pointee.len - reader.pointee.pos
        guard unread > 0 else { return }
        guard unsafe reply_reader_unfinished(reader) == REDIS_REPLY_STRING else {
            if unread <= limits.line { return }
            throw fail(.protocolViolation, "a line longer than \(limits.line) bytes")
        }
        // "$" is behind us: `268435456␍␊…`
        let head = unsafe Array(
            UnsafeRawBufferPointer(start: reader.pointee.buf + reader.pointee.pos, count: min(unread, 32)))
        let digits = head.prefix { $0 != UInt8(ascii: "\r") }
        guard digits.count < 32 else {
            throw fail(.protocolViolation, "a length without an end")
        }
        guard digits.count < head.count, let length = Int(String(decoding: digits, as: UTF8.self)) else {
            return
        }
        guard unsafe length <= building.pointee.room else {
            throw fail(.tooLarge, "more than \(limits.bytes) bytes")
        }
    }

    // MARK: The sink

    private static func sink(into builder: UnsafeMutablePointer<RESPBuilder>) -> reply_sink {
        unsafe reply_sink(
            owner: UnsafeMutableRawPointer(builder),
            string: { owner, type, bytes, count in
                let text = unsafe UnsafeRawBufferPointer(start: bytes, count: count)
                let kind: RESPValue.Kind
                switch type {
                case REDIS_REPLY_STRING: kind = .bulk
                case REDIS_REPLY_STATUS: kind = .status
                case REDIS_REPLY_ERROR: kind = .error
                default: return 0
                }
                // hiredis only counts the two bytes after a bulk; it never looks at them.
                if kind == .bulk, unsafe bytes?[count] != 13 || bytes?[count + 1] != 10 {
                    return unsafe RESPReader.tell(owner) {
                        $0.refuse(.protocolViolation, "a bulk that does not end where it says")
                    }
                }
                return unsafe RESPReader.tell(owner) { unsafe $0.text(kind, text) }
            },
            integer: { owner, number in unsafe RESPReader.tell(owner) { $0.integer(number) } },
            array: { owner, count in unsafe RESPReader.tell(owner) { $0.array(count) } },
            null: { owner in unsafe RESPReader.tell(owner) { $0.null() } })
    }

    @inline(__always)
    private static func tell(_ owner: UnsafeMutableRawPointer?, _ body: (inout RESPBuilder) -> Bool) -> CInt {
        guard let owner = unsafe owner else { return 0 }
        return unsafe body(&owner.assumingMemoryBound(to: RESPBuilder.self).pointee) ? 1 : 0
    }
}
