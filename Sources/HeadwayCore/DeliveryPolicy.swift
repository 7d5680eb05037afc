/// What one try to deliver a webhook came to.
public enum DeliveryOutcome: Sendable, Equatable {
    case answered(status: Int, retryAfter: Duration?)
    /// There was no answer; why, as the end of a sentence.
    case failed(String)

    /// `status 503`, `connection refused`.
    public var reason: String {
        switch self {
        case .answered(let status, _): "status \(status)"
        case .failed(let why): why
        }
    }
}

/// When a webhook is tried again, and when no more. Pure: randomness is handed in.
///
/// Full jitter between zero and a ceiling that doubles with each try up to ``cap``; a receiver that names a time
/// (`Retry-After`) is given it; after ``patience`` since the event it is over.
public struct DeliveryPolicy: Sendable, Equatable {
    public enum Verdict: Sendable, Equatable {
        case done
        case retry(after: Duration)
        /// Why, for the operator.
        case giveUp(String)
    }

    public var base: Duration
    public var cap: Duration
    public var patience: Duration

    public init(
        base: Duration = .seconds(1), cap: Duration = .seconds(300), patience: Duration = .seconds(24 * 3600)
    ) {
        self.base = base
        self.cap = cap
        self.patience = patience
    }

    /// - Parameters:
    ///   - tries: how often it was tried by now, this one included.
    ///   - age: since the event.
    public func verdict(
        _ outcome: DeliveryOutcome, tries: Int, age: Duration,
        using generator: inout some RandomNumberGenerator
    ) -> Verdict {
        var named: Duration?
        switch outcome {
        case .answered(200..<300, _): return .done
        case .answered(410, _): return .giveUp("status 410: the receiver wants no more of it")
        case .answered(_, let retryAfter): named = retryAfter
        case .failed: break
        }
        guard age < patience else {
            return .giveUp("\(outcome.reason), for \(patience.inWords) now, the limit")
        }
        let drawn = Duration.milliseconds(
            Int64.random(in: 0...max(0, ceiling(tries).wholeMilliseconds), using: &generator))
        return .retry(after: min(max(drawn, named ?? .zero), patience - age))
    }

    /// The longest wait after so many tries.
    public func ceiling(_ tries: Int) -> Duration {
        var ceiling = base
        for _ in 1..<min(max(tries, 1), 64) where ceiling < cap { ceiling += ceiling }
        return min(ceiling, cap)
    }
}
