import Glibc

/// What a publisher was told and what came of it, one line each, written before the call returns: the only
/// thing that the oracle believes.
///
///     <letter> TAB <subject> TAB <details…>     about to say
///     + TAB <subject> TAB <letter>              accepted
///     ! TAB <subject> TAB <letter> TAB <error>  refused
struct Diary: Sendable {
    private let descriptor: CInt

    init(path: String) {
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        precondition(descriptor >= 0, "cannot write \(path)")
    }

    func note(_ parts: String...) {
        // One write, so that lines of several threads do not mix and a kill leaves none half written.
        let line = Array((parts.joined(separator: "\t") + "\n").utf8)
        _ = unsafe line.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
    }

    /// Runs one call between its two lines.
    ///
    /// - Returns: nil when it was refused.
    @discardableResult
    func call<Result>(
        _ letter: String, _ subject: String, _ details: String..., body: () async throws -> Result
    ) async -> Result? {
        note(([letter, subject] + details).joined(separator: "\t"))
        do {
            let result = try await body()
            note("+", subject, letter)
            return result
        } catch {
            note("!", subject, letter, "\(error)".replacing("\n", with: " "))
            return nil
        }
    }
}
