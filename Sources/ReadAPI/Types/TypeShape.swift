package import HeadwayWire

/// What a value of an answer can be: what a frontend's types are made of. Pure.
package indirect enum TypeShape: Equatable, Sendable {
    /// Anything that JSON can hold.
    case anything
    case null
    case flag
    /// Whole or with decimals.
    case number(isWhole: Bool)
    case text
    /// A constant.
    case literal(JSON)
    /// A text with values put in; nil is where they are.
    case template([String?])
    /// One of the pipeline's stages.
    case stage
    case list(TypeShape)
    /// Any names, all of one shape.
    case dictionary(TypeShape)
    case object([Member])
    /// One of several, each once, null last.
    case choice([TypeShape])

    package struct Member: Equatable, Sendable {
        package let name: String
        package let shape: TypeShape
        /// Whether the key may be left out.
        package var isOptional = false

        package init(_ name: String, _ shape: TypeShape, isOptional: Bool = false) {
            self.name = name
            self.shape = shape
            self.isOptional = isOptional
        }
    }

    package static func optional(_ shape: TypeShape) -> TypeShape { joined([shape, .null]) }

    package static func words(_ words: [String]) -> TypeShape { joined(words.map { .literal(.string($0)) }) }

    /// One of `shapes`: choices in it are taken apart, what another covers is left out.
    package static func joined(_ shapes: [TypeShape]) -> TypeShape {
        var found: [TypeShape] = []
        for shape in shapes.flatMap(\.alternatives) where !found.contains(shape) { found.append(shape) }
        if found.contains(.anything) { return .anything }
        found = withOneList(found)
        if found.contains(.literal(.bool(true))), found.contains(.literal(.bool(false))) {
            found.append(.flag)
        }
        let covered = found.filter { shape in !found.contains { $0 != shape && $0.covers(shape) } }
        let ordered = covered.filter { $0 != .null } + covered.filter { $0 == .null }
        return ordered.count == 1 ? ordered[0] : .choice(ordered)
    }

    /// Several lists as one, of whatever is in any of them: an empty one adds nothing.
    private static func withOneList(_ shapes: [TypeShape]) -> [TypeShape] {
        var elements: [TypeShape] = []
        var place: Int?
        var rest: [TypeShape] = []
        for shape in shapes {
            if case .list(let element) = shape {
                elements.append(element)
                place = place ?? rest.count
            } else {
                rest.append(shape)
            }
        }
        if let place { rest.insert(.list(joined(elements)), at: place) }
        return rest
    }

    /// Itself, or what it is a choice of.
    package var alternatives: [TypeShape] {
        if case .choice(let shapes) = self { return shapes }
        return [self]
    }

    package var isNullable: Bool { alternatives.contains(.null) }

    /// Without null; null where nothing else is left.
    package var present: TypeShape {
        let rest = alternatives.filter { $0 != .null }
        return rest.isEmpty ? .null : Self.joined(rest)
    }

    private func covers(_ other: TypeShape) -> Bool {
        switch (self, other) {
        case (.text, .literal(.string)), (.text, .template), (.text, .stage): true
        case (.number, .literal(.number)): true
        case (.number(isWhole: false), .number(isWhole: true)): true
        case (.flag, .literal(.bool)): true
        default: false
        }
    }

    /// Several objects as one: a member that some of them lack may be left out. Nil unless all are objects.
    package static func merged(_ shapes: [TypeShape]) -> [Member]? {
        var lists: [[Member]] = []
        for shape in shapes {
            guard case .object(let members) = shape else { return nil }
            lists.append(members)
        }
        guard !lists.isEmpty else { return nil }
        var names: [String] = []
        for name in lists.joined().map(\.name) where !names.contains(name) { names.append(name) }
        return names.map { name in
            let found = lists.compactMap { list in list.first { $0.name == name } }
            return Member(
                name, joined(found.map(\.shape)),
                isOptional: found.count < lists.count || found.contains(where: \.isOptional))
        }
    }
}
