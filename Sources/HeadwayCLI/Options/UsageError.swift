/// The command was called wrongly: one clear line, exit status 2.
struct UsageError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// The command was called rightly and could not do it: one line that says what to do, exit status 1.
struct Failure: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// How a process ends.
struct ExitCode: Sendable, Equatable {
    let number: Int32

    static let done = ExitCode(number: 0)
    static let failed = ExitCode(number: 1)
    static let wrongUsage = ExitCode(number: 2)
}
