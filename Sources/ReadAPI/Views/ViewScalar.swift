import HeadwayCore
import HeadwayWire

/// What a path holds at this moment.
enum ViewScalar: Sendable, Equatable {
    case null
    case flag(Bool)
    case number(Int)
    /// Written with one decimal, floored.
    case thousandths(Int64)
    /// Parts per million of a whole, written as a percentage.
    case fraction(Fraction)
    case text(String)
    case moment(Timestamp)
    /// A list or an object, which only ``ViewScope`` can write; whether there is anything in it.
    case whole(isPresent: Bool)
    /// A number as it was written in the view.
    case spelled(String)

    init(_ text: String?) { self = text.map(ViewScalar.text) ?? .null }
    init(_ number: Int?) { self = number.map(ViewScalar.number) ?? .null }
    init(_ moment: Timestamp?) { self = moment.map(ViewScalar.moment) ?? .null }

    /// What `or` and `omitnull` ask. An empty text says nothing: workers send one to clear the last.
    var isNull: Bool {
        switch self {
        case .null, .text(""), .whole(isPresent: false): true
        default: false
        }
    }

    /// What `$if` asks.
    var isPresent: Bool {
        switch self {
        case .null, .flag(false), .text(""), .whole(isPresent: false): false
        default: true
        }
    }

    /// As it stands in a text, and as `$by` compares it; nil for null.
    func text(_ conversion: ViewFilters.Conversion = .none) -> String? {
        switch self {
        case .null, .whole: return nil
        case .text(let text): return text
        case .number(let number) where conversion == .none: return String(number)
        default:
            var json = JSONWriter(capacity: 32)
            write(to: &json, conversion)
            let bytes =
                json.bytes.first == UInt8(ascii: "\"") ? json.bytes.dropFirst().dropLast() : json.bytes[...]
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    func write(to json: inout JSONWriter, _ conversion: ViewFilters.Conversion) {
        switch self {
        case .null, .whole: json.null()
        case .flag(let flag): json.value(flag)
        case .spelled(let number): json.value(encoded: Array(number.utf8))
        case .text(let text):
            if case .json = conversion, let value = Self.json(text) {
                json.value(encoded: value)
            } else {
                json.value(text)
            }
        case .number(let number):
            guard case .rounded(let decimals) = conversion else { return json.value(number) }
            json.value(rounded: Int64(number), scale: 0, decimals: decimals)
        case .thousandths(let value):
            if case .rounded(let decimals) = conversion {
                json.value(rounded: value, scale: 3, decimals: decimals)
            } else {
                json.value(tenths: value / 100)
            }
        case .fraction(let fraction):
            if case .rounded(let decimals) = conversion {
                json.value(rounded: Int64(fraction.partsPerMillion), scale: 4, decimals: decimals)
            } else {
                json.value(percentage: fraction)
            }
        case .moment(let moment):
            switch conversion {
            case .milliseconds: json.value(Int(moment.milliseconds))
            case .isoSeconds: json.value(moment, hasMilliseconds: false)
            case .none, .rounded, .json: json.value(moment)
            }
        }
    }

    /// The text's own JSON, compact; nil when it is none.
    private static func json(_ text: String) -> [UInt8]? {
        guard let value = try? JSON(Array(text.utf8)) else { return nil }
        var bytes: [UInt8] = []
        value.encode(into: &bytes)
        return bytes
    }
}

extension JSONWriter {
    /// `value` × 10^-`scale`, with exactly `decimals` decimals, half away from zero.
    fileprivate mutating func value(rounded value: Int64, scale: Int, decimals: Int) {
        var magnitude = value.magnitude
        if scale > decimals {
            let unit = Self.tenTo(scale - decimals)
            magnitude = magnitude / unit + (magnitude % unit >= unit / 2 ? 1 : 0)
        } else {
            // Beyond 10¹⁵ it saturates: no count or time is that large.
            magnitude = min(magnitude, 1_000_000_000_000_000) * Self.tenTo(decimals - scale)
        }
        let unit = Self.tenTo(decimals)
        var digits: [UInt8] = value < 0 && magnitude > 0 ? [UInt8(ascii: "-")] : []
        digits.append(decimal: UInt(magnitude / unit))
        if decimals > 0 {
            digits.append(UInt8(ascii: "."))
            digits.append(decimal: UInt(magnitude % unit), width: decimals)
        }
        self.value(encoded: digits)
    }

    /// `33.5`: without trailing zeros.
    fileprivate mutating func value(percentage fraction: Fraction) {
        let parts = UInt(fraction.partsPerMillion)
        var digits: [UInt8] = []
        digits.append(decimal: parts / 10_000)
        if parts % 10_000 > 0 {
            digits.append(UInt8(ascii: "."))
            digits.append(decimal: parts % 10_000, width: 4)
            while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        }
        value(encoded: digits)
    }

    private static func tenTo(_ exponent: Int) -> UInt64 {
        (0..<exponent).reduce(1) { power, _ in power * 10 }
    }
}
