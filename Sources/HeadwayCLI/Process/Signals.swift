import EventLoop
import Glibc
import Synchronization

/// SIGINT and SIGTERM as an asynchronous sequence of one process: the first asks to end, the second insists.
final class Signals: Sendable {
    let stream: AsyncStream<CInt>
    private let loop: EventLoop

    private struct Watches: @unchecked Sendable {  // Touched on the loop's thread only.
        var watches: [LoopWatch] = []
    }
    private let watches = Mutex(Watches())

    init(_ numbers: [CInt] = [SIGINT, SIGTERM], on loop: EventLoop) {
        self.loop = loop
        let (stream, continuation) = AsyncStream.makeStream(of: CInt.self)
        self.stream = stream
        loop.submit { [self] in
            let set = numbers.map { number in loop.onSignal(number) { continuation.yield(number) } }
            watches.withLock { $0.watches = set }
        }
    }

    /// For the way out by an error: signals have their usual effect again, whatever becomes of the loop.
    func restore() {
        signal(SIGINT, SIG_DFL)
        signal(SIGTERM, SIG_DFL)
    }

    /// Must be called before the loop stops. Signals then have their usual effect again.
    func cancel() async {
        await withCheckedContinuation { done in
            loop.submit { [self] in
                watches.withLock {
                    for watch in $0.watches { watch.cancel() }
                    $0.watches = []
                }
                done.resume()
            }
        }
    }
}
