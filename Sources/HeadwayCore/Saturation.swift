/// Numbers come from outside, so arithmetic on them stops at the ends instead of trapping.
extension FixedWidthInteger {
    /// One more, or the same at the upper end.
    var successor: Self { self == .max ? self : self + 1 }
}
