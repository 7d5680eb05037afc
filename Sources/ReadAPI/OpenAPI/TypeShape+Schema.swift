import HeadwayWire

extension TypeShape {
    /// The same as JSON Schema, by draft 2020-12.
    var schema: JSON {
        switch self {
        case .anything: .object([])
        case .null: Self.typed("null")
        case .flag: Self.typed("boolean")
        case .number(let isWhole): Self.typed(isWhole ? "integer" : "number")
        case .text: Self.typed("string")
        case .literal(let value): .object([JSON.Member("const", value)])
        case .template(let parts):
            Self.typed(
                "string",
                JSON.Member(
                    "pattern", .string("^" + parts.map { $0.map(Self.escaped) ?? ".*" }.joined() + "$")))
        // A job keeps the revision that it was created with, and so its stages.
        case .stage:
            Self.typed("string", JSON.Member("description", .string("One of the pipeline's stages.")))
        case .list(let element): Self.typed("array", JSON.Member("items", element.schema))
        case .dictionary(let element):
            Self.typed("object", JSON.Member("additionalProperties", element.schema))
        case .object(let members):
            Self.typed(
                "object",
                JSON.Member("properties", .object(members.map { JSON.Member($0.name, $0.shape.schema) })),
                JSON.Member("required", .array(members.filter { !$0.isOptional }.map { .string($0.name) })))
        case .choice(let shapes): Self.choice(shapes)
        }
    }

    /// Constants as one list, before what else there is.
    private static func choice(_ shapes: [TypeShape]) -> JSON {
        var words: [JSON] = []
        var others: [JSON] = []
        for shape in shapes {
            switch shape {
            case .literal(let value): words.append(value)
            case .null where !words.isEmpty: words.append(.null)
            default: others.append(shape.schema)
            }
        }
        let list = JSON.object([JSON.Member("enum", .array(words))])
        if others.isEmpty { return list }
        return .object([JSON.Member("anyOf", .array((words.isEmpty ? [] : [list]) + others))])
    }

    private static func typed(_ type: String, _ more: JSON.Member...) -> JSON {
        .object([JSON.Member("type", .string(type))] + more)
    }

    /// As a regular expression that matches only it.
    private static func escaped(_ text: String) -> String {
        text.map { #"\^$.|?*+()[]{}/"#.contains($0) ? "\\\($0)" : String($0) }.joined()
    }
}
