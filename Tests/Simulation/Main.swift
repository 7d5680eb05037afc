import Glibc

/// Runs worlds: `--seeds 1-1000 --steps 20000`.
@main
struct Main {
    static func main() {
        // The order of a set hangs on where it lies in memory, unless Swift is told otherwise before it starts.
        let isRepeatable = unsafe getenv("SWIFT_DETERMINISTIC_HASHING") != nil
        do {
            let wishes = try Wishes(Array(CommandLine.arguments.dropFirst()))
            if !isRepeatable { startAnew(wishes) }
            exit(Simulation(wishes).run() ? 0 : 1)
        } catch {
            print("\(error)\n\(Wishes.help)")
            exit(2)
        }
    }

    private static func startAnew(_ wishes: Wishes) {
        unsafe setenv("SWIFT_DETERMINISTIC_HASHING", "1", 1)
        // Read when a protection is first asked for; only debug builds listen.
        if let control = wishes.control { unsafe setenv("HEADWAY_SABOTAGE", control, 1) }
        var arguments = unsafe CommandLine.arguments.map { unsafe strdup($0) } + [nil]
        unsafe execv("/proc/self/exe", &arguments)
        print("cannot start anew")
        exit(2)
    }
}

/// What the command line asks for.
struct Wishes {
    struct Problem: Error, CustomStringConvertible {
        let description: String
    }

    var seeds: ClosedRange<UInt64> = 1...100
    var settings = Settings(seed: 0)
    /// Each seed twice: both must come out the same.
    var isTwice = false
    /// All seeds, whatever goes wrong in some; nothing is shrunk.
    var goesOn = false
    /// A protection that is taken out: it must be noticed.
    var control: String?
    /// The world that notices is made smaller, too.
    var shrinks = false

    static let help = """
        --seeds 1-100        which worlds; --seed 7 for one, with its last steps
        --steps 20000        of each, under faults
        --go-on              all seeds, whatever goes wrong in some
        --twice              each seed twice, to the same end
        --control NAME       take a protection out; fails unless some seed notices (debug builds)
        --shrink             with --control: makes the world that notices smaller, as a failing one is made
        --faults a,b | none  only these; --fault-limit N, --partitions, --aggregators, --workers, --hands N, --no-reader, --expires, --keeps
        --last-words 120     how much of the end of a failing run is shown
        """

    init(_ arguments: [String]) throws {
        var rest = arguments[...]
        func number<Number: FixedWidthInteger>(_ name: String) throws -> Number {
            guard let text = rest.popFirst(), let number = Number(text) else {
                throw Problem(description: "\(name) wants a number")
            }
            return number
        }
        while let name = rest.popFirst() {
            switch name {
            case "--seed":
                let seed: UInt64 = try number(name)
                seeds = seed...seed
                settings.isTracing = true
            case "--seeds":
                let parts = (rest.popFirst() ?? "").split(separator: "-").compactMap { UInt64($0) }
                guard let first = parts.first, let last = parts.last, first <= last else {
                    throw Problem(description: "--seeds wants 1-100")
                }
                seeds = parts.count == 1 ? 1...max(1, first) : first...last
            case "--steps": settings.steps = try number(name)
            case "--twice": isTwice = true
            case "--go-on": goesOn = true
            case "--control": control = rest.popFirst()
            case "--shrink": shrinks = true
            case "--faults":
                let names = (rest.popFirst() ?? "").split(separator: ",").filter { $0 != "none" }
                settings.faults = try names.map {
                    guard let fault = Fault(rawValue: String($0)) else {
                        let known = Fault.allCases.map(\.rawValue).joined(separator: ", ")
                        throw Problem(description: "no fault is called \($0): there are \(known)")
                    }
                    return fault
                }
            case "--fault-limit": settings.faultLimit = try number(name)
            case "--partitions": settings.partitions = try number(name)
            case "--aggregators": settings.aggregators = try number(name)
            case "--workers": settings.workers = try number(name)
            case "--hands": settings.hands = try number(name)
            case "--last-words": settings.lastWords = try number(name)
            case "--expires": settings.expires = true
            case "--keeps": settings.expires = false
            case "--no-reader": settings.hasReader = false
            default: throw Problem(description: "what is \(name)?")
            }
        }
    }
}
