/// What happens to a value on its way out: `|ms|or:0`.
struct ViewFilters: Sendable, Equatable {
    enum Conversion: Sendable, Equatable {
        case none
        case isoSeconds
        case milliseconds
        /// To this many decimals.
        case rounded(Int)
        case json
    }

    enum Fallback: Sendable, Equatable {
        case text(String)
        /// As it was written.
        case number(String)

        var text: String {
            switch self {
            case .text(let text), .number(let text): text
            }
        }
    }

    var conversion = Conversion.none
    /// Instead of null.
    var fallback: Fallback?
    /// Null is nothing: its key is left out.
    var omitsNull = false

    static let none = ViewFilters()
}
