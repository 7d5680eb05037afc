import HeadwayCore
import Testing

@Suite("The order of values within a stage")
struct ProgressOrderTests {
    static let values: [Progress] =
        [0, 1, 2, 3, 10].flatMap { done in
            [0, 1, 2, 3, 10, 20].filter { $0 >= done }.map { .count(done: done, total: $0) }
        } + [0, 1, 400_000, 500_000, 999_999, 1_000_000].map { .fraction(Fraction(partsPerMillion: $0)) }

    @Test("is total: of two different values exactly one is ahead, and no three go in a circle")
    func isTotal() {
        for a in Self.values {
            for b in Self.values {
                #expect((a < b ? 1 : 0) + (b < a ? 1 : 0) + (a == b ? 1 : 0) == 1)
                for c in Self.values where a < b && b < c { #expect(a < c) }
            }
        }
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let lower: Progress
        let higher: Progress
    }

    static let rows = [
        Row(
            testDescription: "more done is ahead, even of a total that grew by more",
            lower: .count(done: 3, total: 10), higher: .count(done: 4, total: 20)),
        Row(
            testDescription: "at equal done the higher total is the later news",
            lower: .count(done: 3, total: 10), higher: .count(done: 3, total: 11)),
        Row(
            testDescription: "a higher percentage is ahead", lower: .fraction(percent(10)),
            higher: .fraction(percent(11))),
        Row(
            testDescription: "a count is better evidence than a percentage", lower: .fraction(percent(99)),
            higher: .count(done: 0, total: 5)),
        Row(
            testDescription: "100 percent is ahead of everything", lower: .count(done: 9, total: 9),
            higher: .fraction(.one)),
    ]

    @Test(arguments: rows) func puts(_ row: Row) { #expect(row.lower < row.higher) }
}
