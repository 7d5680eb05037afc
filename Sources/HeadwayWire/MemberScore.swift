package import HeadwayCore

/// A member's score in `members:<id>`: a band per status, and within it when the member entered it.
///
/// Status number × 10¹³ + milliseconds; below 2⁵³, so exact in the double that Redis keeps.
package struct MemberScore: Sendable, Hashable, Comparable {
    package let status: JobState.Status
    /// Within 0…10¹³ − 1 (the year 2286).
    package let at: Timestamp

    private static let band: Int64 = 10_000_000_000_000

    /// A moment outside the band is moved to its nearest end.
    package init(_ status: JobState.Status, at: Timestamp) {
        self.status = status
        self.at = Timestamp(milliseconds: min(max(at.milliseconds, 0), Self.band - 1))
    }

    /// Reads a score as Redis writes it, as an integer or in scientific notation.
    package init?(_ bytes: ArraySlice<UInt8>) {
        guard let value = DecimalText(bytes)?.scaled(by: 0, atMost: FieldValue.greatest) else { return nil }
        guard let status = JobState.Status.allCases.first(where: { Self.place($0) == value / Self.band })
        else { return nil }
        self.init(status, at: Timestamp(milliseconds: value % Self.band))
    }

    package init?(_ text: String) { self.init(ArraySlice(text.utf8)) }

    package var value: Int64 { Self.place(status) * Self.band + at.milliseconds }
    package var text: String { String(value) }

    /// The scores of all members of a status, for `ZRANGE … BYSCORE` and `ZCOUNT`; both ends belong to it.
    package static func range(of status: JobState.Status) -> (min: String, max: String) {
        (String(place(status) * band), String((place(status) + 1) * band - 1))
    }

    package static func < (a: Self, b: Self) -> Bool { a.value < b.value }

    /// Part of the wire: never to be reordered.
    private static func place(_ status: JobState.Status) -> Int64 {
        switch status {
        case .queued: 0
        case .running: 1
        case .completed: 2
        case .failed: 3
        case .cancelled: 4
        }
    }
}
