import Glibc
import HeadwayWire

/// The front door: finds the command, parses its words, runs it, and says in one line what went wrong.
@main
enum Main {
    static let version = "0.1.0"

    static let commands: [Command] = [
        DaemonCommands.up, DaemonCommands.aggregate, DaemonCommands.serve, PublishCommand.command,
        StatusCommand.command, JobsCommand.command, WatchCommand.command, RunCommand.command,
        DemoCommand.command, VerifyCommand.command, DoctorCommand.command, SimulateCommand.command,
        PipelinesCommand.command, DemoWorkerCommand.command, SimulateWorkerCommand.command,
        BenchCommand.command,
    ]

    static func main() async {
        let code = await run(Array(CommandLine.arguments.dropFirst()), environment: environment())
        exit(code.number)
    }

    static func run(_ words: [String], environment: [String: String]) async -> ExitCode {
        guard let name = words.first else {
            Terminal.write(HelpPage.overview(commands, version: version), to: STDERR_FILENO)
            return .wrongUsage
        }
        switch name {
        case "--help", "-h", "help":
            guard words.count > 1, let command = commands.first(where: { $0.name == words[1] }) else {
                Terminal.write(HelpPage.overview(commands, version: version), to: STDOUT_FILENO)
                return .done
            }
            Terminal.write(HelpPage.of(command), to: STDOUT_FILENO)
            return .done
        case "--version", "-V", "version":
            Terminal.say("headway \(version)")
            return .done
        default:
            guard let command = commands.first(where: { $0.name == name }) else {
                return complain(unknown(name), command: nil)
            }
            return await run(command, Array(words.dropFirst()), environment)
        }
    }

    private static func run(_ command: Command, _ words: [String], _ environment: [String: String]) async
        -> ExitCode
    {
        let arguments: Arguments
        do {
            // Whoever asks for help gets it, whatever else is wrong.
            if !command.stopsAtFirstWord, words.prefix(while: { $0 != "--" }).contains("--help") {
                Terminal.write(HelpPage.of(command), to: STDOUT_FILENO)
                return .done
            }
            let parser = OptionParser(table: command.table, stopsAtFirstWord: command.stopsAtFirstWord)
            arguments = try parser.parse(words, environment: environment)
        } catch {
            return complain(error.description, command: command)
        }
        if arguments.isOn("help") {
            Terminal.write(HelpPage.of(command), to: STDOUT_FILENO)
            return .done
        }
        var log = Log()
        log.level = Log.Level(arguments.text("log-level") ?? "info")
        log.format = arguments.text("log-format") == "json" ? .json : .text
        let invocation = Invocation(
            arguments: arguments, environment: environment, log: log,
            terminal: Terminal(environment: environment))
        do {
            return try await command.run(invocation)
        } catch let error as UsageError {
            return complain(error.description, command: command)
        } catch {
            Terminal.write("headway \(command.name): \(Printable.line("\(error)"))\n", to: STDERR_FILENO)
            return .failed
        }
    }

    private static func unknown(_ name: String) -> String {
        if name.hasPrefix("-") {
            return "options come after the command: headway COMMAND \(Printable.line(name, limit: 40))"
        }
        let nearest = Suggestion.nearest(to: name, among: commands.filter { !$0.isHidden }.map(\.name))
        let hint = nearest.map { "; did you mean \($0)?" } ?? ""
        return "there is no command \(Printable.line(name, limit: 40))\(hint)"
    }

    private static func complain(_ text: String, command: Command?) -> ExitCode {
        let name = command.map { "headway \($0.name)" } ?? "headway"
        Terminal.write("\(name): \(text) (see \(name) --help)\n", to: STDERR_FILENO)
        return .wrongUsage
    }

    private static func environment() -> [String: String] {
        var variables: [String: String] = [:]
        var place = unsafe environ
        while let entry = unsafe place.pointee {
            let text = unsafe String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            unsafe place += 1
        }
        return variables
    }
}
