extension BulkShare {
    /// Moves one member: takes out what it added before, puts in what it adds now.
    public mutating func move(
        from old: BulkContribution?, to new: BulkContribution?, isHome: Bool, at now: Timestamp
    ) {}

    /// These errands are done: others have been told.
    public mutating func finishErrands(_ done: Errands) { errands.subtract(done) }
}
