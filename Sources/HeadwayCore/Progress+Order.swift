/// How values of one stage (or index, or substep) follow one another: a total order, so that hearing an older
/// value again can never undo a newer one.
///
///     percent < 100   <   counts, by (done, total)   <   percent = 100
///
/// Among counts, more done is further even when the total grew by more ("3 of 10", then "4 of 20"), and at
/// equal done the higher total is the later news. A count is better evidence than a percentage. Comparing the
/// two kinds by their fractions instead would go in circles: 1 of 2 < 2 of 10 < 40 % < 1 of 2.
extension Progress: Comparable {
    public static func < (a: Self, b: Self) -> Bool {
        switch (a, b) {
        case (.count(let done, let total), .count(let otherDone, let otherTotal)):
            done != otherDone ? done < otherDone : total < otherTotal
        case (.fraction(let a), .fraction(let b)): a < b
        case (.fraction(let a), .count): a < .one
        case (.count, .fraction(let b)): b == .one
        }
    }
}
