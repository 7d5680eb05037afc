/// Rows under a head, each column as wide as its widest cell. Pure.
struct Table: Sendable {
    var head: [String]
    var rows: [[String]] = []
    /// Columns of numbers, by their heads: their cells end below one another.
    var numbers: Set<String> = []

    /// - Parameter width: lines are cut there; nil for a file, which has no end.
    func lines(width: Int?) -> [String] {
        let cells = ([head] + rows).map { $0.map { Printable.line($0) } }
        let widths = head.indices.map { column in
            cells.map { DisplayWidth.of($0.indices.contains(column) ? $0[column] : "") }.max() ?? 0
        }
        return cells.map { row in
            let last = row.count - 1
            let line = row.enumerated().map { column, text in
                if numbers.contains(head[column]) { return DisplayWidth.padLeft(text, to: widths[column]) }
                return column == last ? text : DisplayWidth.pad(text, to: widths[column])
            }.joined(separator: "  ")
            let bare = String(line.reversed().drop { $0 == " " }.reversed())
            return width.map { DisplayWidth.cut(bare, to: $0) } ?? bare
        }
    }

    func print(to terminal: Terminal) {
        for line in lines(width: terminal.isLive ? terminal.width : nil) { Terminal.say(line) }
    }
}
