/// `--help`, written from the same tables that the parser reads, so that the two cannot drift apart.
enum HelpPage {
    static let width = 96

    static func of(_ command: Command) -> String {
        let usage = ["headway \(command.name)", "[OPTION]…", command.synopsis].filter { !$0.isEmpty }
        var text = "Usage: \(usage.joined(separator: " "))\n\n"
        for paragraph in command.details.split(separator: "\n\n") {
            text += paragraph.hasPrefix(" ") ? paragraph + "\n" : wrap(String(paragraph), indent: 0)
            text += "\n"
        }
        text += "Options (each also as an environment variable, --redis as HEADWAY_REDIS):\n"
        text += rows(command.table.map { (label($0), sentence($0)) })
        return text
    }

    static func overview(_ commands: [Command], version: String) -> String {
        var text = """
            headway \(version): the status layer for fleets of workers

            Usage: headway COMMAND [OPTION]…


            """
        text += rows(commands.filter { !$0.isHidden }.map { ("  \($0.name)", $0.summary) })
        text += """

            headway COMMAND --help says more of each. Exit status: 0 done, 1 it failed, 2 wrong usage.

            """
        return text
    }

    private static func label(_ option: Option) -> String {
        let letter = option.letter.map { "-\($0), " } ?? "    "
        return "  \(letter)--\(option.name)" + (option.placeholder.map { " \($0)" } ?? "")
    }

    private static func sentence(_ option: Option) -> String {
        option.help + (option.fallback.map { " (default \($0))" } ?? "")
    }

    private static func rows(_ rows: [(label: String, text: String)]) -> String {
        let column = min(30, (rows.map(\.label.count).max() ?? 0) + 2)
        return rows.map { row in
            let body = wrap(row.text, indent: column)
            guard row.label.count + 2 <= column else { return row.label + "\n" + body }
            return row.label + body.dropFirst(row.label.count)
        }.joined()
    }

    /// Every line indented and ended.
    private static func wrap(_ text: String, indent: Int) -> String {
        let margin = String(repeating: " ", count: indent)
        var lines: [String] = []
        var line = margin
        for word in text.split(whereSeparator: \.isWhitespace) {
            if line.count > indent, line.count + 1 + word.count > width {
                lines.append(line)
                line = margin
            }
            line += line.count > indent ? " \(word)" : word
        }
        lines.append(line)
        return lines.map { $0 + "\n" }.joined()
    }
}
