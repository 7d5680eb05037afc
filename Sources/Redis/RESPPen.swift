/// Writes RESP into memory that is known to be large enough.
@unsafe
struct RESPPen {
    var place: UnsafeMutablePointer<UInt8>

    /// Room for a mark, a number of 20 digits, and two line ends.
    static let header: UInt = 25

    @inline(__always)
    mutating func put(_ byte: UInt8) {
        unsafe place.pointee = byte
        unsafe place += 1
    }

    @inline(__always)
    mutating func endOfLine() {
        unsafe put(UInt8(ascii: "\r"))
        unsafe put(UInt8(ascii: "\n"))
    }

    @inline(__always)
    mutating func header(_ mark: UInt8, _ number: UInt) {
        unsafe put(mark)
        if number < 10 {
            unsafe put(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number))
        } else {
            unsafe put(number, digits: number.decimalDigits)
        }
        unsafe endOfLine()
    }

    @inline(__always)
    mutating func put(_ raw: UnsafeBufferPointer<UInt8>) {
        guard let start = raw.baseAddress else { return }
        unsafe place.update(from: start, count: raw.count)
        unsafe place += raw.count
    }

    mutating func put(_ number: UInt, digits: UInt) {
        var rest = number
        var target = unsafe place + Int(digits)
        unsafe place = target
        repeat {
            unsafe target -= 1
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            unsafe target.pointee = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
            rest = quotient
        } while rest > 0
    }
}

extension UInt {
    /// Digits of its decimal form, 1 to 20.
    var decimalDigits: UInt {
        var count: UInt = 1
        var limit: UInt = 10
        while self >= limit {
            count += 1
            if count == 20 { break }
            limit *= 10
        }
        return count
    }
}
