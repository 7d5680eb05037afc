package import HeadwayWire

/// Derives the shape of a view's answers from its JSON, by the rules of docs/views.md. Pure.
///
/// Reads what is sound: what is wrong with a view is said where it is loaded. What it does not know becomes
/// `anything`, never a wrong type.
package struct ViewTyping {
    package let subject: SnapshotShape.Subject
    /// What `$status` can be.
    package var status: TypeShape
    /// Whose paths `$item` has, within `$each`.
    package var item: SnapshotShape.Subject?
    /// A path that a `$if` found to be there.
    package var present: String?

    /// A value, and whether its key may be left out.
    package struct Slot: Equatable {
        package var shape: TypeShape
        package var mayBeAbsent = false

        package init(shape: TypeShape, mayBeAbsent: Bool = false) {
            self.shape = shape
            self.mayBeAbsent = mayBeAbsent
        }
    }

    package init(subject: SnapshotShape.Subject, status: TypeShape) {
        self.subject = subject
        self.status = status
    }

    package func value(_ json: JSON) -> Slot {
        switch json {
        case .null: Slot(shape: .null)
        case .bool, .number: Slot(shape: .literal(json))
        case .string(let text): self.text(text)
        case .array(let elements):
            Slot(shape: .list(.joined(elements.map { value($0).shape })))
        case .object(let members): object(members)
        }
    }

    private func object(_ members: [JSON.Member]) -> Slot {
        let words = members.filter { $0.name.hasPrefix("$") && !$0.name.hasPrefix("$$") }.map(\.name)
        let json = JSON.object(members)
        if words.contains("$by") {
            return joined(members.filter { $0.name != "$by" }.map { value($0.value) })
        }
        if words.contains("$if") {
            var inside = self
            if let path = json["$if"]?.string, path.hasPrefix("$") {
                inside.present = String(path.dropFirst())
            }
            let otherwise = json["else"].map(value) ?? Slot(shape: .null, mayBeAbsent: true)
            let then = json["then"].map(inside.value) ?? Slot(shape: .null, mayBeAbsent: true)
            return joined([then, otherwise])
        }
        if words.contains("$each") {
            var inside = self
            let list = json["$each"]?.string.map { String($0.dropFirst()) } ?? ""
            inside.item = SnapshotShape.item(of: list)
            let element = json["as"].map(inside.value) ?? Slot(shape: .anything)
            return Slot(shape: .list(element.shape))
        }
        return Slot(
            shape: .object(
                members.map { member in
                    let slot = value(member.value)
                    let name = member.name.hasPrefix("$$") ? String(member.name.dropFirst()) : member.name
                    return TypeShape.Member(name, slot.shape, isOptional: slot.mayBeAbsent)
                }))
    }

    /// One of several: what is nothing in one of them may be left out.
    private func joined(_ slots: [Slot]) -> Slot {
        let there = slots.filter { !($0.mayBeAbsent && $0.shape == .null) }
        return Slot(
            shape: there.isEmpty ? .null : .joined(there.map(\.shape)),
            mayBeAbsent: slots.contains(where: \.mayBeAbsent))
    }

    // MARK: Texts

    private func text(_ text: String) -> Slot {
        if text == "$nothing" { return Slot(shape: .null, mayBeAbsent: true) }
        let rest = text.dropFirst()
        if text.hasPrefix("$"), let first = rest.first, first.isLetter { return path(String(rest)) }
        return Slot(shape: template(text))
    }

    /// A constant, or a text with values put in.
    private func template(_ text: String) -> TypeShape {
        var parts: [String?] = []
        var plain = ""
        var rest = text[...]
        while let first = rest.first {
            if rest.hasPrefix("$$") {
                plain.append("$")
                rest = rest.dropFirst(2)
            } else if rest.hasPrefix("${"), let end = rest.firstIndex(of: "}") {
                if !plain.isEmpty { parts.append(plain) }
                plain = ""
                parts.append(nil)
                rest = rest[rest.index(after: end)...]
            } else {
                plain.append(first)
                rest = rest.dropFirst()
            }
        }
        if parts.isEmpty { return .literal(.string(plain)) }
        if !plain.isEmpty { parts.append(plain) }
        return .template(parts)
    }

    /// `path|filter|filter`
    private func path(_ text: String) -> Slot {
        let parts = text.split(separator: "|").map(String.init)
        var shape = resolved(parts.first ?? "")
        var slot = Slot(shape: shape)
        for filter in parts.dropFirst() {
            let name = filter.prefix { $0 != ":" }
            let argument = String(filter.dropFirst(name.count + 1))
            shape = slot.shape
            switch name {
            case "ms": slot.shape = converted(shape, to: .number(isWhole: true))
            case "round": slot.shape = converted(shape, to: .number(isWhole: argument == "0"))
            case "json": slot.shape = .anything
            case "or":
                let isNumber = shape.alternatives.contains {
                    if case .number = $0 { true } else { false }
                }
                let fallback: JSON =
                    isNumber && Double(argument) != nil ? .number(argument) : .string(argument)
                if shape.isNullable { slot.shape = .joined([shape.present, .literal(fallback)]) }
            case "omitnull":
                slot = Slot(shape: shape.present, mayBeAbsent: shape.isNullable || shape == .anything)
            default: break
            }
        }
        return slot
    }

    private func converted(_ shape: TypeShape, to target: TypeShape) -> TypeShape {
        shape.isNullable ? .optional(target) : target
    }

    private func resolved(_ path: String) -> TypeShape {
        if let item, path == "item" || path.hasPrefix("item.") {
            return SnapshotShape.at(String(path.dropFirst(5)), ofItem: item)
        }
        let shape = SnapshotShape.at(path, of: subject, status: status)
        guard let present, path == present || path == "\(present).message" else { return shape }
        return shape.present
    }
}
