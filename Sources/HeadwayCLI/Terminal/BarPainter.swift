/// Turns a ``ProgressView`` into lines of at most `width` columns. Pure: same view, same lines.
struct BarPainter: Sendable {
    var width: Int
    var hasColour: Bool
    var hasUnicode: Bool
    /// Lines that fit on the screen; bulks and jobs beyond it are counted, not painted.
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
        // The bulks come first; jobs get the lines that are left, and the last one says what is not painted.
        let isTall = view.bulks.count > height
        let bulks = isTall ? Array(view.bulks.prefix(max(height - 1, 0))) : view.bulks
        let room = isTall ? 0 : height - bulks.count
        let fits = view.hidden == 0 && view.jobs.count <= room
        let jobs = fits ? view.jobs : Array(view.jobs.prefix(max(room - 1, 0)))
        let nameWidth = nameWidth(bulks, jobs)
        var lines = bulks.map { bulk($0, nameWidth: nameWidth) }
        if isTall { lines.append(note("and \(view.bulks.count - bulks.count) more bulks")) }
        lines += jobs.map { job($0, under: !view.bulks.isEmpty, nameWidth: nameWidth) }
        let hidden = view.hidden + view.jobs.count - jobs.count
        if hidden > 0, room > 0 { lines.append(note("and \(hidden) more running")) }
        return lines
    }

    private func note(_ text: String) -> String {
        ink(DisplayWidth.cut("  \(text)", to: width, mark: ellipsis), .dim)
    }

    private func nameWidth(_ bulks: [ProgressView.Bulk], _ jobs: [ProgressView.Job]) -> Int {
        let indent = bulks.isEmpty ? 0 : 2
        let names =
            bulks.map { DisplayWidth.of(Printable.line($0.id)) }
            + jobs.map { DisplayWidth.of(Printable.line($0.name)) + indent }
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
            fill: bulk.fill, ink: colour,
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
            percent: job.percent, fill: job.fill, ink: ink,
            text: notes.map { Printable.line($0) }.joined(separator: separator))
    }

    private func line(
        name: String, nameWidth: Int, nameInk: Ink?, percent: Int, fill: Int?, ink colour: Ink, text: String
    ) -> String {
        let barWidth = max(6, min(64, width / 3))
        let label = DisplayWidth.pad(asciiIfNeeded(name), to: nameWidth, mark: ellipsis)
        let number = String(percent)
        let share = String(repeating: " ", count: max(0, 3 - number.count)) + number + " %"
        let used = nameWidth + 2 + barWidth + 2 + share.count
        guard used <= width else {  // Too narrow for a bar: the number is what counts.
            return DisplayWidth.cut("\(number)% \(name)", to: width, mark: ellipsis)
        }
        let rest = width - used - 2
        let tail = rest > 3 ? "  " + DisplayWidth.cut(asciiIfNeeded(text), to: rest, mark: ellipsis) : ""
        return (nameInk.map { ink(label, $0) } ?? label) + "  "
            + bar(fill ?? percent * 10_000, barWidth, colour) + "  "
            + share + tail
    }

    // MARK: Pieces

    /// Never full before the end: the bar floors as the percent does, and moves by half a column.
    ///
    /// - Parameter fill: in parts per million.
    private func bar(_ fill: Int, _ width: Int, _ colour: Ink) -> String {
        let fill = max(0, min(1_000_000, fill))
        guard hasUnicode else {
            let inner = width - 2
            let filled = inner * fill / 1_000_000
            return "[" + ink(String(repeating: "#", count: filled), colour)
                + String(repeating: "-", count: inner - filled) + "]"
        }
        let halves = width * 2 * fill / 1_000_000
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

    static func left(_ seconds: Int) -> String { "\(TimeSpan.of(.seconds(seconds))) left" }

    static func rate(_ rate: Double) -> String {
        rate >= 10 ? "\(Int(rate))" : "\(Int(rate)).\(Int(rate * 10) % 10)"
    }
}
