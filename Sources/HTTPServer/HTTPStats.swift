/// Counters of one server since it was made.
package struct HTTPStats: Sendable, Equatable {
    package var connectionsOpen = 0
    package var connectionsAccepted = 0
    package var streamsOpen = 0
    /// Handlers that have not answered yet.
    package var requestsUnderWay = 0
    /// Answers of handlers by class: `responses[2]` is 2xx. Streams count when they begin.
    package var responses = [Int](repeating: 0, count: 6)
    /// What the server refused or cut by itself, by ``Refusal``'s name, for example `bodyTooLarge`.
    package var rejected: [String: Int] = [:]
}
