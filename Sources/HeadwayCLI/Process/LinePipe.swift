import EventLoop
import Glibc
import Synchronization

/// The lines that come out of a descriptor, as they come, without blocking anybody. Closes it at the end.
final class LinePipe: Sendable {
    private let lines: AsyncStream<String>
    private let source: Source

    /// Lives on the loop's thread: `@unchecked` is proven by `checkIsolated` in the watch itself.
    private final class Source: @unchecked Sendable {
        let descriptor: CInt
        var watch: LoopWatch?
        var rest: [UInt8] = []
        let continuation: AsyncStream<String>.Continuation

        init(_ descriptor: CInt, _ continuation: AsyncStream<String>.Continuation) {
            self.descriptor = descriptor
            self.continuation = continuation
        }

        func read() {
            var buffer = [UInt8](repeating: 0, count: 64 * 1024)
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EAGAIN || errno == EINTR { return }
            guard count > 0 else { return end() }
            rest.append(contentsOf: buffer[..<count])
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                continuation.yield(String(decoding: rest[..<end], as: UTF8.self))
                rest.removeSubrange(...end)
            }
        }

        func end() {
            guard watch != nil else { return }
            watch?.cancel()
            watch = nil
            close(descriptor)
            if !rest.isEmpty { continuation.yield(String(decoding: rest, as: UTF8.self)) }
            continuation.finish()
        }
    }

    init(_ descriptor: CInt, on loop: EventLoop) {
        let (stream, continuation) = AsyncStream.makeStream(of: String.self)
        lines = stream
        source = Source(descriptor, continuation)
        Descriptor.unblock(descriptor)
        loop.submit { [source] in source.watch = loop.onReadable(descriptor) { source.read() } }
    }

    /// One reader at a time.
    ///
    /// - Returns: nil at the end.
    func next() async -> String? {
        var iterator = lines.makeAsyncIterator()
        return await iterator.next()
    }
}

/// Plain descriptors.
enum Descriptor {
    /// Both ends are closed when another program is started.
    static func pipe() throws(Failure) -> (reading: CInt, writing: CInt) {
        var ends: [CInt] = [0, 0]
        guard unsafe Glibc.pipe(&ends) == 0 else {
            throw Failure("cannot make a pipe: \(SystemText.of(errno))")
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    static func unblock(_ descriptor: CInt) {
        let flags = fcntl(descriptor, F_GETFL)
        _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK)
    }
}
