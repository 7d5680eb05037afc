package import HeadwayCore

/// Why bytes from outside are not what they should be.
///
/// It never carries a value: values may be private, and this lands in logs, metrics and `rejected`.
@usableFromInline
package struct WireError: Error, Sendable, Equatable, CustomStringConvertible {
    /// `malformed`, `unknownType` or `tooLarge`.
    package let reason: Refusal
    /// The field at fault, when it is one that this version knows.
    package let field: String?
    /// What is wrong with it, as the end of a sentence: `is missing`, `is not a whole number`.
    package let detail: String

    package init(_ reason: Refusal, _ field: String?, _ detail: String) {
        self.reason = reason
        self.field = field
        self.detail = detail
    }

    @usableFromInline
    package var description: String { field.map { "\($0) \(detail)" } ?? detail }

    static func missing(_ field: String) -> WireError { WireError(.malformed, field, "is missing") }
    static func unreadable(_ field: String) -> WireError { WireError(.malformed, field, "is not readable") }
}
