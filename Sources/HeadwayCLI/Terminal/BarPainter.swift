/// Turns a ``ProgressView`` into lines of at most `width` columns. Pure: same view, same lines.
struct BarPainter: Sendable {
    var width: Int
    var hasColour: Bool
    var hasUnicode: Bool
    /// Lines that fit on the screen; jobs beyond it are counted, not painted.
    var height = Int.max

    enum Ink: String {
        case green = "32"
        case red = "31"
        case yellow = "33"
        case cyan = "36"
        case dim = "2"
        case bold = "1"
    }

    func lines(_ view: ProgressView) -> [String] {
        var lines = view.bulks.map { bulk($0, nameWidth: nameWidth(view)) }
        let room = max(1, height - lines.count - 1)
        var hidden = view.hidden
        let shown = view.jobs.count > room ? Array(view.jobs.prefix(room)) : view.jobs
        hidden += view.jobs.count - shown.count
        lines += shown.map { job($0, under: !view.bulks.isEmpty, nameWidth: nameWidth(view)) }
        if hidden > 0 { lines.append(ink("  and \(hidden) more running", .dim)) }
        return lines
    }

    private func nameWidth(_ view: ProgressView) -> Int {
        let indent = view.bulks.isEmpty ? 0 : 2
        let names =
            view.bulks.map { DisplayWidth.of($0.id) }
            + view.jobs.map { DisplayWidth.of(Printable.line($0.name)) + indent }
        return min(names.max() ?? 0, max(8, width / 4))
    }

    // MARK: A line

    private func bulk(_ bulk: ProgressView.Bulk, nameWidth: Int) -> String {
        var notes: [String] = []
        if bulk.failed > 0 { notes.append("\(bulk.failed) failed") }
        if bulk.cancelled > 0 { notes.append("\(bulk.cancelled) cancelled") }
        if bulk.stalled > 0 { notes.append("\(bulk.stalled) stalled") }
        if !bulk.isSettled, let rate = bulk.perMinute, rate > 0 { notes.append("\(Self.rate(rate))/min") }
        if !bulk.isSettled, let left = bulk.secondsLeft { notes.append(Self.left(left)) }
        if bulk.isStale { notes.append("stale: no aggregator is at work") }
        let colour: Ink = bulk.isStale ? .yellow : bulk.failed + bulk.cancelled > 0 ? .red : .green
        return line(
            name: Printable.line(bulk.id), nameWidth: nameWidth, nameInk: .bold, percent: bulk.percent,
            ink: colour,
            text: ([Printable.line(bulk.text)] + notes).joined(separator: separator))
    }

    private func job(_ job: ProgressView.Job, under bulk: Bool, nameWidth: Int) -> String {
        var notes: [String] = []
        switch job.status {
        case .running:
            var stage = job.stage ?? "started"
            if let done = job.done, let total = job.total { stage += " \(done)/\(total)" }
            notes.append(stage)
            if let concern = job.concern { notes.append(concern) }
            if job.concern == nil, let message = job.message { notes.append(message) }
            if let left = job.secondsLeft { notes.append(Self.left(left)) }
        case .failed, .cancelled:
            notes.append(job.status.rawValue)
            if let message = job.message { notes.append(message) }
        case .queued, .completed, .unknown, .expired:
            notes.append(job.status.rawValue)
        }
        let ink: Ink =
            switch job.status {
            case .failed, .unknown: .red
            case .cancelled, .expired: .yellow
            case .completed: .green
            case .queued, .running: job.concern == nil ? .cyan : .yellow
            }
        return line(
            name: (bulk ? "  " : "") + Printable.line(job.name), nameWidth: nameWidth, nameInk: nil,
            percent: job.percent, ink: ink,
            text: notes.map { Printable.line($0) }.joined(separator: separator))
    }

    private func line(
        name: String, nameWidth: Int, nameInk: Ink?, percent: Int, ink colour: Ink, text: String
    ) -> String {
        let barWidth = max(6, min(40, width / 3))
        let label = DisplayWidth.pad(asciiIfNeeded(name), to: nameWidth, mark: ellipsis)
        let number = String(percent)
        let share = String(repeating: " ", count: max(0, 3 - number.count)) + number + " %"
        let used = nameWidth + 2 + barWidth + 2 + share.count
        guard used <= width else {  // Too narrow for a bar: the number is what counts.
            return DisplayWidth.cut("\(number)% \(name)", to: width, mark: ellipsis)
        }
        let rest = width - used - 2
        let tail = rest > 3 ? "  " + DisplayWidth.cut(asciiIfNeeded(text), to: rest, mark: ellipsis) : ""
        return (nameInk.map { ink(label, $0) } ?? label) + "  " + bar(percent, barWidth, colour) + "  "
            + share + tail
    }

    // MARK: Pieces

    /// Never full before 100, never empty after 0: the bar floors as the percent does.
    private func bar(_ percent: Int, _ width: Int, _ colour: Ink) -> String {
        let percent = max(0, min(100, percent))
        guard hasUnicode else {
            let inner = width - 2
            let filled = inner * percent / 100
            return "[" + ink(String(repeating: "#", count: filled), colour)
                + String(repeating: "-", count: inner - filled) + "]"
        }
        let halves = width * 2 * percent / 100
        let filled = String(repeating: "━", count: halves / 2) + (halves % 2 == 1 ? "╸" : "")
        return ink(filled, colour) + ink(String(repeating: "─", count: width - halves / 2 - halves % 2), .dim)
    }

    private func ink(_ text: String, _ ink: Ink) -> String {
        hasColour && !text.isEmpty ? "\u{1b}[\(ink.rawValue)m\(text)\u{1b}[0m" : text
    }

    private var separator: String { hasUnicode ? " · " : ", " }
    private var ellipsis: Character { hasUnicode ? "…" : "." }

    private func asciiIfNeeded(_ text: String) -> String {
        hasUnicode ? text : String(text.map { $0.isASCII ? $0 : "?" })
    }

    private static func left(_ seconds: Int) -> String { "\(TimeSpan.of(.seconds(seconds))) left" }

    private static func rate(_ rate: Double) -> String {
        rate >= 10 ? "\(Int(rate))" : "\(Int(rate)).\(Int(rate * 10) % 10)"
    }
}
