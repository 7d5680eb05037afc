package import HeadwayCore

/// Moments as internet protocols write them: `2026-08-01T12:34:56.789Z`.
package enum RFC3339 {
    /// - Returns: nil unless the text is a date and a time with an offset; finer than a millisecond is floored.
    package static func timestamp(_ text: String) -> Timestamp? {
        var rest = ArraySlice(text.utf8)
        guard rest.count <= 64, let year = number(&rest, 4), skip("-", &rest), let month = number(&rest, 2),
            skip("-", &rest), let day = number(&rest, 2),
            skip("T", &rest) || skip("t", &rest) || skip(" ", &rest),
            let hour = number(&rest, 2), skip(":", &rest), let minute = number(&rest, 2), skip(":", &rest),
            let second = number(&rest, 2), 1...12 ~= month, 1...length(ofMonth: month, year) ~= day,
            hour < 24,
            minute < 60, second <= 60
        else { return nil }
        var milliseconds: Int64 = 0
        if skip(".", &rest) {
            let digits = rest.prefix { 48...57 ~= $0 }
            guard !digits.isEmpty else { return nil }
            rest = rest.dropFirst(digits.count)
            for place in 0..<3 {
                let digit = place < digits.count ? digits[digits.startIndex + place] - 48 : 0
                milliseconds = milliseconds * 10 + Int64(digit)
            }
        }
        guard let offset = offset(&rest), rest.isEmpty else { return nil }
        let minutes = (days(year, month, day) * 24 + hour) * 60 + minute - offset
        return Timestamp(milliseconds: (minutes * 60 + second) * 1000 + milliseconds)
    }

    /// UTC with milliseconds.
    package static func text(_ timestamp: Timestamp) -> String {
        let (day, rest) = floored(timestamp.milliseconds, 86_400_000)
        // Howard Hinnant's civil_from_days: the year starts in March, eras are 400 years.
        let (era, dayOfEra) = floored(day + 719_468, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        var bytes: [UInt8] = []
        for (value, width, after) in [
            (year, 4, "-"), (month, 2, "-"), (dayOfYear - (153 * shifted + 2) / 5 + 1, 2, "T"),
            (rest / 3_600_000, 2, ":"), (rest / 60_000 % 60, 2, ":"), (rest / 1000 % 60, 2, "."),
            (rest % 1000, 3, "Z"),
        ] {
            var digits: [UInt8] = []
            digits.append(decimal: value)
            bytes.append(contentsOf: repeatElement(48, count: max(width - digits.count, 0)))
            bytes.append(contentsOf: digits)
            bytes.append(contentsOf: after.utf8)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func offset(_ rest: inout ArraySlice<UInt8>) -> Int64? {
        if skip("Z", &rest) || skip("z", &rest) { return 0 }
        let isEast = skip("+", &rest)
        guard isEast || skip("-", &rest), let hours = number(&rest, 2), skip(":", &rest),
            let minutes = number(&rest, 2), hours < 24, minutes < 60
        else { return nil }
        return (isEast ? 1 : -1) * (hours * 60 + minutes)
    }

    private static func number(_ rest: inout ArraySlice<UInt8>, _ width: Int) -> Int64? {
        let digits = rest.prefix(width)
        guard digits.count == width, digits.allSatisfy({ 48...57 ~= $0 }) else { return nil }
        rest = rest.dropFirst(width)
        return digits.reduce(0) { $0 * 10 + Int64($1 - 48) }
    }

    private static func skip(_ character: Unicode.Scalar, _ rest: inout ArraySlice<UInt8>) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest = rest.dropFirst()
        return true
    }

    private static func length(ofMonth month: Int64, _ year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = floored(shifted, 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func floored(_ value: Int64, _ unit: Int64) -> (quotient: Int64, rest: Int64) {
        let (quotient, rest) = value.quotientAndRemainder(dividingBy: unit)
        return rest < 0 ? (quotient - 1, rest + unit) : (quotient, rest)
    }
}
