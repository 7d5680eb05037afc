/// An error whose words may be shown to end users.
///
///     enum DraftError: PublicError {
///         case rateLimited
///         var publicMessage: String { "The writing service is busy." }
///         var publicCode: String? { "rate_limited" }
///     }
///
/// When an error is thrown inside `job.run`, the job fails with its public message and code. What any other
/// error says about itself may hold queries, paths or tokens, so it is not published: the message then only names
/// the stage, and the code is the error's type. `Headway.Options.disclosesErrors` changes that.
public protocol PublicError: Error {
    /// A sentence for end users; what is longer than 1,000 characters is cut.
    var publicMessage: String { get }
    /// A stable word to group failures by, at most 200 characters.
    var publicCode: String? { get }
}

extension PublicError {
    public var publicCode: String? { nil }
}

/// What `job.run` does with an error of its body, which it rethrows in any case.
public enum ErrorPolicy: Sendable {
    /// The stage, and with it the job, has failed; or is cancelled, if that was asked for.
    case failJob
    /// Nothing is published: the caller decides, for example to try the stage again.
    case rethrowOnly
}

/// What a failed job says.
struct PublicFailure: Sendable, Equatable {
    var message: String
    var code: String?

    /// - Parameter stage: as it is called in front of people.
    init(_ error: any Error, stage: String, discloses: Bool) {
        if let error = error as? any PublicError {
            self.init(message: error.publicMessage, code: error.publicCode)
        } else if error is CancellationError {
            self.init(message: "The worker was stopped.", code: "worker_stopped")
        } else {
            let type = String(describing: Swift.type(of: error))
            self.init(message: discloses ? String(describing: error) : "\(stage) failed.", code: type)
        }
    }

    init(message: String, code: String?) {
        self.message = message.isEmpty ? "Failed." : message
        self.code = code.map { String($0.unicodeScalars.prefix(200)) }
    }
}
