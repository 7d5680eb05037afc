package import HeadwayCore

extension Timestamp {
    /// Years 1 to 9999: beyond them RFC 3339 has no spelling, so a moment outside is moved to the nearest end.
    private static let spellable: ClosedRange<Int64> = -62_135_596_800_000...253_402_300_799_999

    /// `2026-11-21T09:39:36.000Z`: 24 bytes.
    package func appendISO8601(to bytes: inout [UInt8]) {
        let clamped = min(max(milliseconds, Self.spellable.lowerBound), Self.spellable.upperBound)
        let (days, ofDay) = clamped.quotientAndRemainder(flooring: 86_400_000)
        let (year, month, day) = Self.civil(daysSinceEpoch: days)
        bytes.append(decimal: UInt(year), width: 4)
        bytes.append(UInt8(ascii: "-"))
        bytes.append(decimal: UInt(month), width: 2)
        bytes.append(UInt8(ascii: "-"))
        bytes.append(decimal: UInt(day), width: 2)
        bytes.append(UInt8(ascii: "T"))
        bytes.append(decimal: UInt(ofDay / 3_600_000), width: 2)
        bytes.append(UInt8(ascii: ":"))
        bytes.append(decimal: UInt(ofDay / 60_000 % 60), width: 2)
        bytes.append(UInt8(ascii: ":"))
        bytes.append(decimal: UInt(ofDay / 1000 % 60), width: 2)
        bytes.append(UInt8(ascii: "."))
        bytes.append(decimal: UInt(ofDay % 1000), width: 3)
        bytes.append(UInt8(ascii: "Z"))
    }

    package var iso8601: String {
        var bytes: [UInt8] = []
        appendISO8601(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The proleptic Gregorian date; the algorithm is Howard Hinnant's `civil_from_days`.
    private static func civil(daysSinceEpoch days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let (era, dayOfEra) = shifted.quotientAndRemainder(flooring: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}

extension Int64 {
    fileprivate func quotientAndRemainder(flooring divisor: Int64) -> (Int64, Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
