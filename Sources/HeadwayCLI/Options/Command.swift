/// One of headway's commands: its table, its help and what it does.
struct Command: Sendable {
    let name: String
    /// What `headway --help` says in a line.
    let summary: String
    /// What follows the name besides options: `TYPE SUBJECT FIELD=VALUE…`.
    let synopsis: String
    /// Paragraphs under the usage line.
    let details: String
    let options: [Option]
    /// For other parts of headway, not for people.
    var isHidden = false
    var stopsAtFirstWord = false
    let run: @Sendable (Invocation) async throws -> ExitCode
}

/// One call of a command.
struct Invocation: Sendable {
    let arguments: Arguments
    let environment: [String: String]
    let log: Log
    let terminal: Terminal
}

extension Command {
    /// Every command's last two.
    static let logOptions = [
        Option(
            "log-level", nil, .choice(["debug", "info", "warning", "error"]),
            "say less or more on standard error",
            fallback: "info"),
        Option("log-format", nil, .choice(["text", "json"]), "how log lines look", fallback: "text"),
    ]

    static let help = Option("help", "h", .flag, "show this help")

    /// The whole table, as the parser and the help see it.
    var table: [Option] { options + Self.logOptions + [Self.help] }
}
