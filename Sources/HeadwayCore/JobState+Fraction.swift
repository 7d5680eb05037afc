/// How far the job is.
///
/// Everything is one division, floored once: page 2 of 3 done, between 30 and 60 percent, is 50 and not 49.
extension JobState {
    /// Of the current stage; zero before the first.
    public func stageFraction(under pipeline: Pipeline) -> Fraction {
        guard let position, let place = pipeline.position(of: position.stage) else { return .zero }
        return Fraction(partsPerMillion: portion(of: 1_000_000, isIndexed: pipeline.stages[place].isIndexed))
    }

    /// The same for whoever does not know the pipeline: a stage that says of how many it is one is indexed.
    public var stageFraction: Fraction {
        Fraction(partsPerMillion: portion(of: 1_000_000, isIndexed: position?.of != nil))
    }

    /// Holds the highest value of the attempt: a restarted stage or a grown total does not pull the job back.
    mutating func raiseFraction(at place: Int, of pipeline: Pipeline) {
        let start = pipeline.stages[place].start.partsPerMillion
        let width = max(pipeline.stages[place].end.partsPerMillion - start, 0)
        let told = start + portion(of: width, isIndexed: pipeline.stages[place].isIndexed)
        fraction = max(fraction, Fraction(partsPerMillion: told))
    }

    /// What is done of `width` parts that the current stage is worth.
    private func portion(of width: Int, isIndexed: Bool) -> Int {
        guard let position else { return 0 }
        if phase(of: position.stage) == .completed { return width }
        let own = position.progress?.portion(of: width) ?? 0
        guard isIndexed else { return own }
        // The pages before this one are done.
        guard let of = position.of, let index = position.index, of > 0, 1...of ~= index else { return 0 }
        return floored(width, times: index - 1, plus: own, over: of)
    }
}

extension Progress {
    /// What is done of `width` parts, floored.
    fileprivate func portion(of width: Int) -> Int {
        switch self {
        case .count(let done, let total):
            guard total > 0, done > 0 else { return 0 }
            return floored(width, times: min(done, total), plus: 0, over: total)
        case .fraction(let fraction): return width * fraction.partsPerMillion / 1_000_000
        }
    }
}

/// `(width × count + more) / total`, floored, for a width of at most a million: exact for every `Int`.
private func floored(_ width: Int, times count: Int, plus more: Int, over total: Int) -> Int {
    if count < 1 << 42 { return (width * count + more) / total }
    return Int((Int128(width) * Int128(count) + Int128(more)) / Int128(total))
}
