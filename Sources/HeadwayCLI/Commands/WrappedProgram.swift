import EventLoop
import Glibc
import Synchronization

/// A program whose output passes through us, with its progress lines taken out.
///
/// Where our output goes to a terminal, its output goes to one too.
final class WrappedProgram: Sendable {
    private let words: [String]
    private let environment: [String: String]
    private let loop: EventLoop
    private let process = Mutex<ChildProcess?>(nil)

    init(_ words: [String], environment: [String: String], on loop: EventLoop) {
        self.words = words
        self.environment = environment
        self.loop = loop
    }

    /// Starts it and waits for its end.
    ///
    /// - Throws: ``ChildProcess/Problem`` when it cannot be started.
    func run(_ report: @escaping @Sendable (ProgressFilter.Progress) -> Void) async throws
        -> ChildProcess.Ending
    {
        let terminal = isatty(STDOUT_FILENO) == 1 ? PseudoTerminal.open(like: STDOUT_FILENO) : nil
        let output = try terminal.map { (reading: $0.reading, writing: $0.writing) } ?? Descriptor.pipe()
        // Both to the one terminal, so that they stay in order.
        let isShared = terminal != nil && isatty(STDERR_FILENO) == 1
        let error = isShared ? nil : try Descriptor.pipe()
        let plan = ChildProcess.Plan(
            arguments: words, environment: environment, input: .inherited,
            output: .descriptor(output.writing),
            error: .descriptor(error?.writing ?? output.writing))
        defer {
            close(output.writing)
            if let error { close(error.writing) }
        }
        let resizes = terminal.map { _ in Signals([SIGWINCH], on: loop) }
        let resizing = Task {
            guard let resizes, let terminal else { return }
            for await _ in resizes.stream { terminal.resize(like: STDOUT_FILENO) }
        }
        defer { resizing.cancel() }
        let child: ChildProcess
        do {
            child = try ChildProcess.start(plan)
        } catch let problem {
            close(output.reading)
            if let error { close(error.reading) }
            await resizes?.cancel()
            throw problem
        }
        process.withLock { $0 = child }
        var pumps = [OutputPump(from: output.reading, to: STDOUT_FILENO, on: loop, report)]
        if let error { pumps.append(OutputPump(from: error.reading, to: STDERR_FILENO, on: loop, report)) }
        while true {
            if let ending = child.poll() {
                process.withLock { $0 = nil }
                // What it wrote last is in the pipes already; a grandchild that holds them open is not waited for.
                for pump in pumps { await pump.drain() }
                await resizes?.cancel()
                return ending
            }
            try? await loop.sleep(for: .milliseconds(10))
        }
    }

    /// On a terminal ^C has reached the program already; one that comes from elsewhere has not.
    func forward(_ number: CInt) {
        let isFromTerminal = number == SIGINT && tcgetpgrp(STDIN_FILENO) == getpgrp()
        if !isFromTerminal { process.withLock { $0 }?.signal(number) }
    }
}

/// Carries bytes from a pipe to one of our own outputs, through a ``ProgressFilter``.
final class OutputPump: Sendable {
    private let source: Source
    private let loop: EventLoop

    /// On the loop's thread only.
    private final class Source: @unchecked Sendable {
        let from: CInt
        let to: CInt
        let report: @Sendable (ProgressFilter.Progress) -> Void
        var filter = ProgressFilter()
        var watch: LoopWatch?

        init(_ from: CInt, _ to: CInt, _ report: @escaping @Sendable (ProgressFilter.Progress) -> Void) {
            self.from = from
            self.to = to
            self.report = report
        }

        /// - Returns: false when there is nothing more now.
        @discardableResult
        func carry() -> Bool {
            guard watch != nil else { return false }
            var buffer = [UInt8](repeating: 0, count: 64 * 1024)
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe Glibc.read(from, $0.baseAddress, $0.count)
            }
            guard count > 0 else {
                if count == 0 || errno != EAGAIN && errno != EINTR { end() }
                return false
            }
            pass(filter.feed(buffer[..<count]))
            return true
        }

        func end() {
            guard watch != nil else { return }
            watch?.cancel()
            watch = nil
            close(from)
            pass(filter.finish())
        }

        private func pass(_ found: (output: [UInt8], progress: [ProgressFilter.Progress])) {
            if !found.output.isEmpty { Terminal.write(found.output, to: to) }
            for progress in found.progress { report(progress) }
        }
    }

    init(
        from: CInt, to: CInt, on loop: EventLoop,
        _ report: @escaping @Sendable (ProgressFilter.Progress) -> Void
    ) {
        source = Source(from, to, report)
        self.loop = loop
        Descriptor.unblock(from)
        loop.submit { [source] in source.watch = loop.onReadable(from) { source.carry() } }
    }

    /// Carries what is there, and ends. A pipe holds less than this; one that a grandchild fills on and on must
    /// not keep us.
    func drain() async {
        await withCheckedContinuation { done in
            loop.submit { [source] in
                for _ in 0..<16 where !source.carry() { break }
                source.end()
                done.resume()
            }
        }
    }
}
