import HeadwayWire

/// A value of a view, compiled: what depends on nothing is encoded already, paths are accessors.
indirect enum ViewNode: Sendable, Equatable {
    case constant(Constant)
    /// The key is left out.
    case nothing
    case path(ViewPath, ViewFilters)
    /// A text with values put in.
    case text([Piece])
    case object([Member])
    case list([ViewNode])
    /// By the word that the path holds.
    case choice(ViewPath, [String: ViewNode], otherwise: ViewNode)
    case presence(ViewPath, then: ViewNode, otherwise: ViewNode)
    case each(ViewList, ViewNode)

    struct Constant: Sendable, Equatable {
        /// One JSON value.
        let encoded: [UInt8]
        /// The same, where it is asked for as a word; null for a list and an object.
        let scalar: ViewScalar

        init(_ json: JSON) {
            var bytes: [UInt8] = []
            json.encode(into: &bytes)
            encoded = bytes
            scalar =
                switch json {
                case .string(let text): .text(text)
                case .number(let number): .spelled(number)
                case .bool(let flag): .flag(flag)
                case .null, .array, .object: .null
                }
        }

        /// A list or an object.
        init(whole encoded: [UInt8]) {
            self.encoded = encoded
            scalar = .null
        }
    }

    enum Piece: Sendable, Equatable {
        case literal(String)
        case path(ViewPath, ViewFilters)
    }

    struct Member: Sendable, Equatable {
        /// `"name":`
        let key: [UInt8]
        let value: ViewNode
        /// Worth asking ``ViewScope/leaf(of:)``: it may come to nothing.
        let mayBeNothing: Bool

        init(key: [UInt8], value: ViewNode) {
            self.key = key
            self.value = value
            mayBeNothing = value.mayBeNothing
        }
    }

    var mayBeNothing: Bool {
        switch self {
        case .nothing: true
        case .path(_, let filters): filters.omitsNull
        case .choice(_, let words, let otherwise):
            otherwise.mayBeNothing || words.values.contains(where: \.mayBeNothing)
        case .presence(_, let then, let otherwise): then.mayBeNothing || otherwise.mayBeNothing
        case .constant, .text, .object, .list, .each: false
        }
    }
}
