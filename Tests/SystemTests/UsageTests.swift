import Testing

@testable import HeadwayCLI

@Suite("Usage")
struct UsageTests {
    @Test(
        "the help of every command names each of its options, and only those",
        arguments: Main.commands.map(\.name))
    func help(name: String) throws {
        let command = try #require(Main.commands.first { $0.name == name })
        let page = HelpPage.of(command)
        #expect(page.hasPrefix("Usage: headway \(name)"))
        for option in command.table { #expect(page.contains("--\(option.name)")) }
        #expect(page.split(separator: "\n").allSatisfy { $0.count <= HelpPage.width })
        let listed = page.split(separator: "\n").filter {
            $0.hasPrefix("  ") && $0.dropFirst(6).hasPrefix("--")
        }
        #expect(listed.count == command.table.count)
    }

    @Test("every command prints its help and exits with 0", arguments: Main.commands.map(\.name))
    func helpOfTheBinary(name: String) async throws {
        let outcome = try await HeadwayBinary.run([name, "--help"])
        #expect(outcome.code == 0)
        #expect(outcome.output.hasPrefix("Usage: headway \(name)"))
        #expect(outcome.error == "")
    }

    struct Mistake: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let words: [String]
        var environment: [String: String] = [:]
        let says: String
    }

    static let mistakes: [Mistake] = [
        Mistake(testDescription: "an unknown command", words: ["serv"], says: "did you mean serve?"),
        Mistake(
            testDescription: "an option before the command", words: ["-x"],
            says: "options come after the command"),
        Mistake(
            testDescription: "an unknown option", words: ["up", "--lisen", "x"],
            says: "did you mean --listen?"),
        Mistake(testDescription: "an unknown letter", words: ["up", "-x"], says: "there is no option -x"),
        Mistake(
            testDescription: "an ambiguous abbreviation", words: ["up", "--l", "1"],
            says: "could be --listen or"),
        Mistake(
            testDescription: "a missing value", words: ["up", "--listen"], says: "--listen needs a value"),
        Mistake(
            testDescription: "a value for a flag", words: ["status", "--json=1", "x"], says: "takes no value"),
        Mistake(
            testDescription: "an address that is none", words: ["up", "--listen", "x"],
            says: "wants HOST:PORT"),
        Mistake(
            testDescription: "a count out of its bounds", words: ["up", "--partitions", "0"],
            says: "from 1 to 1024"),
        Mistake(
            testDescription: "a choice that is none", words: ["jobs", "--status", "x"],
            says: "is one of: queued"),
        Mistake(
            testDescription: "a time that is none", words: ["up", "--lease", "soon"], says: "wants a time"),
        Mistake(
            testDescription: "a bad variable", words: ["up"], environment: ["HEADWAY_LISTEN": "x"],
            says: "HEADWAY_LISTEN (from the environment)"),
        Mistake(testDescription: "a word too many", words: ["up", "now"], says: "takes no arguments"),
        Mistake(
            testDescription: "a share that is none", words: ["simulate", "-p", "a", "--fail", "many"],
            says: "wants a share such as 3%"),
        Mistake(
            testDescription: "a share beyond all", words: ["simulate", "-p", "a", "--lost", "101%"],
            says: "wants a share such as 3%"),
        Mistake(
            testDescription: "nothing to simulate", words: ["simulate"], says: "wants --pipeline"),
        Mistake(
            testDescription: "a pipeline that is none", words: ["simulate", "-p", "a b"],
            says: "--pipeline wants NAME"),
        Mistake(
            testDescription: "a bulk too long for its jobs",
            words: ["simulate", "-p", "a", "--bulk", String(repeating: "x", count: 200)],
            says: "too long for its jobs"),
        Mistake(testDescription: "no id to watch", words: ["watch"], says: "wants the id"),
        Mistake(testDescription: "an id that is none", words: ["status", "a b"], says: "is not an id"),
        Mistake(
            testDescription: "an event of no type", words: ["publish", "job.done", "x"],
            says: "there is no type job.done; docs/wire.md lists them"),
        Mistake(
            testDescription: "an event of a mistyped type", words: ["publish", "job.startd", "x"],
            says: "there is no type job.startd; did you mean job.started?"),
        Mistake(
            testDescription: "an event with a mistyped field",
            words: ["publish", "job.started", "x", "pipelin=a"],
            says: "did you mean pipeline?"),
        Mistake(
            testDescription: "an event with a field of another",
            words: ["publish", "job.started", "x", "color=red"],
            says: "color is not a field of job.started"),
        Mistake(
            testDescription: "an event that lacks a field", words: ["publish", "job.failed", "x"],
            says: "message is missing"),
        Mistake(
            testDescription: "no program to run", words: ["run", "-p", "a", "-j", "b"],
            says: "wants a program"),
        Mistake(
            testDescription: "no job to run it as", words: ["run", "--", "true"], says: "wants --pipeline"),
        Mistake(
            testDescription: "pipelines of nothing", words: ["pipelines", "chek"], says: "did you mean check?"
        ),
        Mistake(
            testDescription: "polls that nobody would post", words: ["up", "--webhook-polls", "1m"],
            says: "--webhook-polls needs --webhook"),
        Mistake(
            testDescription: "polls told all the time", words: ["serve", "--webhook-polls", "10ms"],
            says: "--webhook-polls wants a time from 1s to 1d"),
        Mistake(
            testDescription: "a Redis URL without a scheme", words: ["status", "x", "--redis", "localhost"],
            says: "--redis: it needs a scheme"),
    ]

    @Test("a mistake is one clear line with a hint, and exit status 2", arguments: mistakes)
    func mistake(_ mistake: Mistake) async throws {
        let outcome = try await HeadwayBinary.run(mistake.words, environment: mistake.environment)
        #expect(outcome.code == 2)
        #expect(outcome.output == "")
        #expect(outcome.error.contains(mistake.says))
        #expect(outcome.error.hasPrefix("headway"))
        #expect(outcome.error.contains("--help)"))
        #expect(outcome.error.split(separator: "\n").count == 1)
    }

    @Test("without a command the overview is shown, and that is a mistake; --help and --version are none")
    func overview() async throws {
        let bare = try await HeadwayBinary.run([])
        #expect(bare.code == 2)
        let help = try await HeadwayBinary.run(["--help"])
        #expect(help.code == 0)
        #expect(help.output == bare.error)
        for command in Main.commands {
            #expect(help.output.contains("  \(command.name) ") != command.isHidden)
        }
        let version = try await HeadwayBinary.run(["--version"])
        #expect(version.code == 0 && version.output == "headway \(Main.version)\n")
    }

    @Test("an option comes from the command line, else from the environment, else from the table")
    func precedence() throws {
        let parser = OptionParser(table: [
            Option("lease", "l", .duration("TIME"), "", fallback: "5s"), Option("json", nil, .flag, ""),
            Option("redis", nil, .text("URL"), ""),
        ])
        let environment = ["HEADWAY_LEASE": "7s", "HEADWAY_JSON": "yes", "HEADWAY_REDIS": ""]
        #expect(try parser.parse([], environment: [:]).duration("lease") == .seconds(5))
        #expect(try parser.parse([], environment: environment).duration("lease") == .seconds(7))
        #expect(try parser.parse([], environment: environment).isOn("json"))
        #expect(try parser.parse([], environment: environment).text("redis") == nil)
        let given = try parser.parse(["a", "-l9s", "b", "--", "--json"], environment: environment)
        #expect(given.duration("lease") == .seconds(9))
        #expect(given.words == ["a", "b", "--json"])
        #expect(try parser.parse(["--le=1m"], environment: [:]).duration("lease") == .seconds(60))
    }

    @Test("the wrapped program's options are its own")
    func stopping() throws {
        let parser = OptionParser(table: [Option("job", "j", .text("ID"), "")], stopsAtFirstWord: true)
        let given = try parser.parse(["-j", "x", "ls", "-j", "--color"], environment: [:])
        #expect(given.text("job") == "x")
        #expect(given.words == ["ls", "-j", "--color"])
    }
}
