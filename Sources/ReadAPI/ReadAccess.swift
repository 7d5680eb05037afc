import HeadwayCore
package import HeadwayWire

/// Whether somebody may read a job.
package enum ReadGrant: Sendable, Equatable, CaseIterable {
    /// The job has no token: everybody may.
    case open
    /// The right token was presented, or the operator's.
    case granted
    /// It needs a token, and none was presented.
    case missing
    /// It needs a token, and none of those presented is it.
    case wrong

    package var isAllowed: Bool { self == .open || self == .granted }
}

/// What a caller has shown of itself: the digests of the tokens that came with its request. Pure.
///
///     let access = api.access(call, header: "X-Session-Token")
///     guard access.grant(of: answer).isAllowed else { … }
package struct ReadAccess: Sendable, Equatable {
    /// Of each token presented, but those that are too long to be one.
    package private(set) var digests: [TokenDigest] = []
    package private(set) var isOperator = false
    /// Whether any token was presented at all.
    package private(set) var hasPresented = false

    /// Tokens in one request.
    package static let tokenLimit = 100
    /// Bytes of a token; a longer one is wrong without being looked at.
    package static let tokenBytes = 512

    /// Somebody who presented nothing.
    package static let nobody = ReadAccess()
    /// Somebody who may read everything: the operator, or a command that reads Redis itself.
    package static let operating: ReadAccess = {
        var access = ReadAccess()
        access.isOperator = true
        access.hasPresented = true
        return access
    }()

    private init() {}

    /// - Parameters:
    ///   - tokens: as presented; empty ones do not count.
    ///   - operatorDigest: of the operator's token, if there is one.
    package init(_ tokens: some Sequence<String>, operatorDigest: TokenDigest?) {
        for token in tokens where !token.isEmpty {
            hasPresented = true
            guard token.utf8.count <= Self.tokenBytes else { continue }
            digests.append(TokenDigest(of: token))
        }
        if let operatorDigest { isOperator = Self.holds(digests, operatorDigest) }
    }

    /// Both together, for a list that was made with tokens of its own.
    package func joined(with other: ReadAccess) -> ReadAccess {
        var both = self
        both.digests += other.digests
        both.isOperator = isOperator || other.isOperator
        both.hasPresented = hasPresented || other.hasPresented
        return both
    }

    /// - Parameter stored: the digest that the job carries, as it is stored; nil for a job without one. One
    ///   that is not readable opens to nobody but the operator.
    package func grant(_ stored: String?) -> ReadGrant {
        guard let stored else { return .open }
        if isOperator { return .granted }
        guard hasPresented else { return .missing }
        guard let digest = TokenDigest(hex: stored) else { return .wrong }
        return Self.holds(digests, digest) ? .granted : .wrong
    }

    /// Every digest is compared, also behind the one that fits.
    private static func holds(_ digests: [TokenDigest], _ wanted: TokenDigest) -> Bool {
        var isThere = false
        for digest in digests {
            let isEqual = digest == wanted
            isThere = isEqual || isThere
        }
        return isThere
    }
}

extension ReadAccess {
    package func grant(of answer: JobAnswer) -> ReadGrant { grant(answer.tokenDigest) }
}

extension JobAnswer {
    /// What a reader's token is compared with; nil for a job that everybody may read. It outlives the
    /// snapshot; an id that is not known has none.
    package var tokenDigest: String? {
        switch self {
        case .job(let snapshot): snapshot.state.token
        case .expired(_, let tombstone, _, _): tombstone.token
        case .unknown: nil
        }
    }
}
