import EventLoop
import Glibc
import Synchronization

/// Shows a ``ProgressView`` as well as standard output can: moving bars on a screen, a line for each change elsewhere.
final class ProgressDisplay: Sendable {
    private let live: LiveDisplay?
    private let report = Mutex(PlainReport())
    private let start = ContinuousClock.now

    init(_ terminal: Terminal) {
        live = terminal.isLive ? LiveDisplay(terminal) : nil
    }

    func show(_ view: ProgressView, last: Bool = false) {
        if let live { return live.show(view, last: last) }
        let now = start.duration(to: .now)
        let lines = report.withLock { $0.news(view, at: now) }
        for line in lines { Terminal.say(line) }
    }

    /// A line above the bars.
    func note(_ text: String) {
        if let live { live.note(text) } else { Terminal.say(text) }
    }

    /// A line of a log: above the bars, or on standard error where there are none.
    func aside(_ line: String) {
        if let live { live.note(String(line.dropLast())) } else { Terminal.write(line, to: STDERR_FILENO) }
    }

    /// Paints the last view anew: the window has another size.
    func repaint() { live?.repaint() }

    func close() { live?.close() }
}
