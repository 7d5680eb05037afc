import EventLoop
import Glibc
import Synchronization

/// Keeps a block of lines at the bottom of the screen up to date, at most ten times a second.
///
/// The cursor is hidden while bars move, and comes back with ``close()``. A caller that dies of a signal calls it
/// first; whoever is killed outright leaves a hidden cursor behind, which the next program's prompt shows again.
final class LiveDisplay: Sendable {
    private struct State {
        var view: ProgressView?
        var painted: [String] = []
        var lastPaint: ContinuousClock.Instant?
        var isOpen = false
    }

    private let terminal: Terminal
    private let write: @Sendable (String) -> Void
    private let state = Mutex(State())
    private static let interval = Duration.milliseconds(100)

    init(
        _ terminal: Terminal,
        write: @escaping @Sendable (String) -> Void = { Terminal.write($0, to: STDOUT_FILENO) }
    ) {
        self.terminal = terminal
        self.write = write
    }

    /// Paints `view`, unless the last painting is less than a tenth of a second old.
    ///
    /// - Parameter last: paint in any case: nothing follows.
    func show(_ view: ProgressView, last: Bool = false) {
        state.withLock { state in
            state.view = view
            let now = ContinuousClock.now
            if !last, let before = state.lastPaint, now - before < Self.interval { return }
            state.lastPaint = now
            paint(view, &state)
        }
    }

    /// Paints the last view again, at the size that the window has now; nothing before the first or after the end.
    func repaint() {
        state.withLock { state in
            guard state.isOpen, let view = state.view else { return }
            paint(view, &state)
        }
    }

    private func paint(_ view: ProgressView, _ state: inout State) {
        let width = terminal.width
        let painter = BarPainter(
            width: width - 1, hasColour: terminal.hasColour, hasUnicode: terminal.hasUnicode,
            height: terminal.height - 1)
        let lines = painter.lines(view)
        write(Self.hideIfFirst(&state) + Self.backToTop(state.painted, width) + Self.block(lines))
        state.painted = lines
    }

    /// Prints a line above the bars, which move down.
    func note(_ text: String) {
        let width = terminal.width
        state.withLock { state in
            write(Self.backToTop(state.painted, width) + "\u{1b}[J" + text + "\n" + Self.block(state.painted))
        }
    }

    /// Leaves what is painted and gives the cursor back. Idempotent.
    func close() {
        state.withLock { state in
            guard state.isOpen else { return }
            state.isOpen = false
            write("\u{1b}[?25h")
        }
    }

    // MARK: Escapes

    private static func hideIfFirst(_ state: inout State) -> String {
        guard !state.isOpen else { return "" }
        state.isOpen = true
        return "\u{1b}[?25l"
    }

    /// A window that became narrower has wrapped the old lines: count the rows that they take now.
    private static func backToTop(_ lines: [String], _ width: Int) -> String {
        let rows = lines.reduce(0) { $0 + max(1, (visibleWidth($1) + width - 1) / width) }
        return rows > 0 ? "\r\u{1b}[\(rows)A" : "\r"
    }

    private static func block(_ lines: [String]) -> String {
        lines.map { "\u{1b}[2K\($0)\n" }.joined() + "\u{1b}[J"
    }

    /// Without the colours.
    private static func visibleWidth(_ line: String) -> Int {
        var width = 0
        var isEscape = false
        for character in line {
            if isEscape {
                isEscape = character != "m"
            } else if character == "\u{1b}" {
                isEscape = true
            } else {
                width += DisplayWidth.of(character)
            }
        }
        return width
    }
}
