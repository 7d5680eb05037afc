/// How far the job is.
extension JobState {
    /// Of the current stage; zero before the first.
    public func stageFraction(under pipeline: Pipeline) -> Fraction {
        guard let position, let place = pipeline.position(of: position.stage) else { return .zero }
        if phase(of: position.stage) == .completed { return .one }
        let own = position.progress?.fraction ?? .zero
        guard pipeline.stages[place].isIndexed else { return own }
        guard let of = position.of, let index = position.index else { return .zero }
        return Fraction(index &- 1, plus: own, of: of)
    }

    /// Holds the highest value of the attempt: a restarted stage or a grown total does not pull the job back.
    mutating func raiseFraction(at place: Int, of pipeline: Pipeline) {
        let start = pipeline.stages[place].start.partsPerMillion
        let width = max(pipeline.stages[place].end.partsPerMillion - start, 0)
        let told = Fraction(
            partsPerMillion: start + width * stageFraction(under: pipeline).partsPerMillion / 1_000_000)
        fraction = max(fraction, told)
    }
}

extension Fraction {
    /// `(whole + part) / total`, floored. Exact to 2^43, and to one part per million of itself above.
    init(_ whole: Int, plus part: Fraction, of total: Int) {
        guard whole > 0 else {
            self.init(partsPerMillion: part.partsPerMillion / Swift.max(total, 1))
            return
        }
        // Beyond 2^43 millionths would overflow; the ratio survives the shift.
        let shift = Swift.max(0, 21 - Swift.max(total, whole).leadingZeroBitCount)
        let (whole, total) = (whole >> shift, Swift.max(total >> shift, 1))
        self.init(partsPerMillion: (Swift.min(whole, total) * 1_000_000 + part.partsPerMillion) / total)
    }
}
