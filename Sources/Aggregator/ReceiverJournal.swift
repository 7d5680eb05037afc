/// What an operator hears of one receiver: that it fails, that it is back, and what was given up; each at most
/// once a while, so that a dead receiver does not fill the log.
struct ReceiverJournal {
    let name: String
    private var isFailing = false
    private var nextWord = Duration.zero
    private var nextLoss = Duration.zero
    private var lost = 0

    private static let pause = Duration.seconds(60)

    init(name: String) { self.name = name }

    mutating func failed(_ reason: String, at now: Duration) -> AggregatorNotice? {
        guard !isFailing, now >= nextWord else { return nil }
        isFailing = true
        nextWord = now + Self.pause
        return .receiverFails(receiver: name, reason: reason)
    }

    mutating func delivered(at now: Duration) -> AggregatorNotice? {
        guard isFailing else { return nil }
        isFailing = false
        return .receiverBack(receiver: name)
    }

    mutating func gaveUp(_ reason: String, at now: Duration) -> AggregatorNotice? {
        lost += 1
        guard now >= nextLoss else { return nil }
        nextLoss = now + .seconds(10)
        defer { lost = 0 }
        return .undelivered(receiver: name, count: lost, reason: reason)
    }
}
