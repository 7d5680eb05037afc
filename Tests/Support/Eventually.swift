/// Waits until a condition holds, looking every so often.
///
///     #expect(await eventually { await subscriber.isListening })
///
/// - Returns: whether it held within the time; the last look is after the time has passed.
package func eventually(
    within limit: Duration = .seconds(5), every pause: Duration = .milliseconds(10),
    isolation: isolated (any Actor)? = #isolation, _ condition: () async throws -> Bool
) async rethrows -> Bool {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try? await Task.sleep(for: pause)
    }
    return try await condition()
}
