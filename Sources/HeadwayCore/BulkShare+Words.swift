extension BulkShare {
    /// Folds one word about the bulk into this share.
    public mutating func apply(_ word: BulkWord, isHome: Bool, at now: Timestamp) -> Verdict {
        .refused(.malformed)
    }
}
