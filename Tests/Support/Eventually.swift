/// Waits until a condition holds, looking every so often.
///
///     #expect(await eventually { await subscriber.isListening })
///
/// - Returns: whether it held within the time; the last look is after the time has passed.
package func eventually(
    within limit: Duration = .seconds(5), every pause: Duration = .milliseconds(10),
    isolation: isolated (any Actor)? = #isolation, _ condition: () async throws -> Bool
) async rethrows -> Bool {
    let end = ContinuousClock.now + limit * Patience.factor
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try? await Task.sleep(for: pause)
    }
    return try await condition()
}

/// How much longer than on a machine of its own things may take before a test gives up on them.
package enum Patience {
    #if THREAD_SANITIZER
        /// A process under ThreadSanitizer starts and runs several times slower.
        package static let factor = 8
    #else
        package static let factor = 1
    #endif
}
