/// Why Headway could not do what was asked. Switch on ``code``; print ``description`` for a person: it says what
/// to do. No user or password is ever in it.
public struct HeadwayError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What went wrong, for a program to decide by.
    public enum Code: String, Sendable, CaseIterable {
        /// The URL of Redis cannot be used.
        case badURL
        /// Redis could not be reached in time. Trying later can help.
        case unreachable
        /// Redis refuses the login, or a command that Headway needs.
        case denied
        /// What answers is not a Redis that this version can work with.
        case unfit
        /// No definition of this pipeline is applied in this namespace.
        case unknownPipeline
        /// The Swift stages and the applied definition differ.
        case contractMismatch
        /// The pipeline has no such stage.
        case unknownStage
        /// An argument breaks a rule: an id, a weight, an attribute.
        case invalid
        /// The job has already ended another way.
        case ended
        /// The spool directory cannot be used.
        case spool
        /// `close()` was called.
        case closed
        /// Not done within the time given; nothing is lost by that alone.
        case timedOut
        /// An `InMemoryHeadway` holds as much as it may, and nothing of it has ended.
        case full
    }

    /// What went wrong.
    public let code: Code
    /// What went wrong and what to do, for a person.
    public let description: String

    /// An error as this library makes it; for code of your own that stands in for it.
    public init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    /// Whether the same call can succeed later without anybody acting.
    public var isRetryable: Bool {
        switch code {
        case .unreachable, .timedOut, .full: true
        case .badURL, .denied, .unfit, .unknownPipeline, .contractMismatch, .unknownStage, .invalid, .ended,
            .closed, .spool:
            false
        }
    }
}
