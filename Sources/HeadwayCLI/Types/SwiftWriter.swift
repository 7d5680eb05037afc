import HeadwayWire
import ReadAPI

/// Writes a pipeline's types for Swift: the contract for workers, and `Codable` types of the answers. Deterministic.
struct SwiftWriter {
    let types: PipelineTypes
    /// Of the enum that holds everything.
    private let contract: String

    init(_ types: PipelineTypes) {
        self.types = types
        let name = CodeName.upperCamel(types.name)
        contract = Self.isTaken(name) ? name + "Pipeline" : name
    }

    /// For people who look for the name that they know; empty where it is that.
    private var note: String {
        let name = CodeName.upperCamel(types.name)
        guard contract != name else { return "" }
        return
            "\n// It is \(contract), because a type \(name) of its own would hide one that is known already."
    }

    /// - Parameter origin: what the command was given, for the head.
    func text(origin: String) -> String {
        var parts = [contractHead]
        if let words = sharedWords {
            parts.append(
                "    /// The words of this pipeline's views.\n"
                    + "    enum Status: String, CaseIterable, Codable, Sendable {\n"
                    + cases(words, "        ")
                    + "\n    }")
        }
        parts.append(structure("Snapshot", types.snapshot, "    ", "`GET /v1/jobs/{id}`"))
        for view in types.views { parts += texts(of: view) }
        var body = parts.joined(separator: "\n\n")
        if body.contains("AnyValue") { body += "\n\n" + Self.anyValue }
        return """
            // The types of pipeline \(types.name). Made by
            //   headway pipelines types --swift \(origin)
            // Do not edit; make it anew when the pipeline changes.\(note)
            import Headway

            \(body)
            }

            """
    }

    /// What all views agree that `$status` is, where that is nothing but words.
    private var sharedWords: [String]? {
        types.sharedStatus.flatMap { words($0.alternatives) }.flatMap { $0.count > 1 ? $0 : nil }
    }

    private var contractHead: String {
        """
        enum \(contract): PipelineContract {
            static let name = \(Self.quoted(types.name))

            /// The stages, in order.
            enum Stage: String, CaseIterable, Codable, Sendable {
        \(cases(types.stages, "        "))
            }
        """
    }

    private func texts(of view: PipelineTypes.View) -> [String] {
        var parts: [String] = []
        if let response = view.response {
            parts.append(declaration("\(view.name)Response", response, "    ", "`GET \(view.route)`"))
        }
        for event in view.events {
            let name = "\(view.name)\(CodeName.upperCamel(event.name))Event"
            parts.append(
                declaration(name, event.shape, "    ", "`event: \(event.name)` of `\(view.route)`"))
        }
        if let error = view.error {
            parts.append(
                declaration("\(view.name)Error", error, "    ", "What `\(view.route)` answers otherwise."))
        }
        return parts
    }

    // MARK: Declarations

    private func declaration(_ name: String, _ shape: TypeShape, _ indent: String, _ help: String) -> String {
        if let members = TypeShape.merged(shape.alternatives) {
            return structure(name, members, indent, help)
        }
        var nested: [String] = []
        let type = type(of: shape, name + "Value", &nested, indent)
        return (nested + ["\(indent)/// \(help)\n\(indent)typealias \(name) = \(type)"]).joined(
            separator: "\n\n")
    }

    private func structure(
        _ name: String, _ members: [TypeShape.Member], _ indent: String, _ help: String? = nil
    ) -> String {
        let inner = indent + "    "
        let names = CodeName.distinct(members.map { Self.memberName($0.name) })
        var nested: [String] = []
        var lines: [String] = []
        for (member, property) in zip(members, names) {
            var typeName = Self.typeName(CodeName.upperCamel(member.name))
            if typeName == "Status" || typeName == contract { typeName += "Value" }
            var type = type(of: member.shape, typeName, &nested, inner)
            if member.isOptional, !type.hasSuffix("?") { type += "?" }
            lines.append("\(inner)var \(Self.escaped(property)): \(type)")
        }
        if zip(members, names).contains(where: { $0.name != $1 }), !members.isEmpty {
            let keys = zip(members, names).map { member, property in
                member.name == property
                    ? "\(inner)    case \(Self.escaped(property))"
                    : "\(inner)    case \(Self.escaped(property)) = \(Self.quoted(member.name))"
            }
            nested.append(
                "\(inner)enum CodingKeys: String, CodingKey {\n\(keys.joined(separator: "\n"))\n\(inner)}")
        }
        var text = help.map { "\(indent)/// \($0)\n" } ?? ""
        text += "\(indent)struct \(name): Codable, Equatable, Sendable {\n" + lines.joined(separator: "\n")
        for declaration in nested { text += "\n\n" + declaration }
        return text + "\n\(indent)}"
    }

    /// - Parameter name: what a type made for this shape is called; it goes into `nested`.
    private func type(
        of shape: TypeShape, _ name: String, _ nested: inout [String], _ indent: String
    ) -> String {
        let optional = shape.isNullable ? "?" : ""
        let all = shape.present.alternatives
        if let members = TypeShape.merged(all) {
            nested.append(structure(name, members, indent))
            return name + optional
        }
        if all == [.stage] { return "\(contract).Stage\(optional)" }
        if sharedWords != nil, shape.present == types.sharedStatus { return "\(contract).Status\(optional)" }
        if let words = words(all) {
            if words.count == 1 { return "String\(optional)" }
            nested.append(
                "\(indent)enum \(name): String, CaseIterable, Codable, Sendable {\n"
                    + cases(words, indent + "    ") + "\n\(indent)}")
            return name + optional
        }
        if all.allSatisfy(\.isTextual) { return "String\(optional)" }
        if all.allSatisfy(\.isNumeric) { return (all.allSatisfy(\.isWhole) ? "Int" : "Double") + optional }
        if all.allSatisfy({ $0 == .flag || $0.isFlag }) { return "Bool\(optional)" }
        switch all.first {
        case .list(let element) where all.count == 1:
            return "[\(type(of: element, name + "Element", &nested, indent))]\(optional)"
        case .dictionary(let element) where all.count == 1:
            return "[String: \(type(of: element, name + "Element", &nested, indent))]\(optional)"
        default: return "AnyValue?"
        }
    }

    /// The words of a choice of nothing but words.
    private func words(_ shapes: [TypeShape]) -> [String]? {
        var words: [String] = []
        for shape in shapes {
            switch shape {
            case .literal(.string(let text)): words.append(text)
            case .stage: words += types.stages
            default: return nil
            }
        }
        var distinct: [String] = []
        for word in words where !distinct.contains(word) { distinct.append(word) }
        return distinct.isEmpty ? nil : distinct
    }

    private func cases(_ words: [String], _ indent: String) -> String {
        let names = CodeName.distinct(words.map { Self.memberName($0) })
        return zip(words, names).map { word, name in
            "\(indent)case \(Self.escaped(name))" + (word == name ? "" : " = \(Self.quoted(word))")
        }.joined(separator: "\n")
    }

    // MARK: Names

    /// Names that mean something else to Swift, wherever they stand as a member.
    private static let taken: Set<String> = [
        "self", "init", "none", "some", "allCases", "rawValue", "hashValue", "encode", "hash", "_",
    ]
    /// Types that a nested one of that name would hide.
    private static let hidden: Set<String> = [
        "String", "Int", "Double", "Bool", "Codable", "Equatable", "Sendable", "CodingKey", "CodingKeys",
        "CaseIterable", "Stage", "Snapshot", "Error", "Any", "Self", "Type", "Protocol", "AnyValue", "Array",
        "Decoder", "Encoder", "Dictionary", "Optional", "PipelineContract", "Never", "Void", "Headway", "_",
    ]
    /// Types that everybody uses beside this one: a contract of that name, which stands on its own in the
    /// program, would hide them there.
    private static let known: Set<String> = [
        // Swift's own.
        "Task", "TaskGroup", "Actor", "MainActor", "AsyncSequence", "AsyncStream", "Sequence", "Collection",
        "Set", "Range", "Slice", "Substring", "Character", "Unicode", "Float", "UInt", "Int8", "Int16",
        "Int32",
        "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Result", "Duration", "Clock", "Hasher", "Hashable",
        "Comparable", "Identifiable", "Mirror", "KeyPath", "ObjectIdentifier", "Regex", "Iterator", "Codable",
        "Decodable", "Encodable", "RawRepresentable", "StaticString", "Swift", "CancellationError",
        "Executor",
        // Headway's.
        "Job", "Bulk", "StageHandle", "StageName", "InMemoryHeadway", "HeadwayBus", "HeadwayError",
        "ReadToken",
        "Resumption", "PublicError", "AnyPipeline", "ManualClock", "ErrorPolicy",
        // Foundation's.
        "Data", "Date", "URL", "UUID", "Process", "Thread", "Operation", "Notification", "Bundle", "Calendar",
        "Locale", "Timer", "Progress", "Decimal", "Measurement", "Unit", "Stream", "Port", "Host", "Scanner",
    ]

    private static func isTaken(_ name: String) -> Bool { hidden.contains(name) || known.contains(name) }
    private static let keywords: Set<String> = [
        "associatedtype", "class", "deinit", "enum", "extension", "fileprivate", "func", "import", "inout",
        "internal", "let", "open", "operator", "private", "precedencegroup", "protocol", "public", "rethrows",
        "static", "struct", "subscript", "typealias", "var", "break", "case", "catch", "continue", "default",
        "defer", "do", "else", "fallthrough", "for", "guard", "if", "in", "repeat", "return", "throw",
        "switch", "where", "while", "as", "false", "is", "nil", "super", "throws", "true", "try", "await",
        "async", "any",
    ]

    static func memberName(_ text: String) -> String {
        let name = CodeName.lowerCamel(text)
        return taken.contains(name) ? name + "_" : name
    }

    private static func typeName(_ name: String) -> String { hidden.contains(name) ? name + "Value" : name }

    private static func escaped(_ name: String) -> String { keywords.contains(name) ? "`\(name)`" : name }

    /// A text as Swift writes it.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                quoted += "\\u{\(String(scalar.value, radix: 16))}"
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    private static let anyValue = """
            /// Anything that JSON can hold.
            indirect enum AnyValue: Codable, Equatable, Sendable {
                case null
                case flag(Bool)
                case number(Double)
                case text(String)
                case list([AnyValue])
                case object([String: AnyValue])

                init(from decoder: any Decoder) throws {
                    let value = try decoder.singleValueContainer()
                    if value.decodeNil() {
                        self = .null
                    } else if let flag = try? value.decode(Bool.self) {
                        self = .flag(flag)
                    } else if let number = try? value.decode(Double.self) {
                        self = .number(number)
                    } else if let text = try? value.decode(String.self) {
                        self = .text(text)
                    } else if let list = try? value.decode([AnyValue].self) {
                        self = .list(list)
                    } else {
                        self = .object(try value.decode([String: AnyValue].self))
                    }
                }

                func encode(to encoder: any Encoder) throws {
                    var value = encoder.singleValueContainer()
                    switch self {
                    case .null: try value.encodeNil()
                    case .flag(let flag): try value.encode(flag)
                    case .number(let number): try value.encode(number)
                    case .text(let text): try value.encode(text)
                    case .list(let list): try value.encode(list)
                    case .object(let object): try value.encode(object)
                    }
                }
            }
        """
}

extension TypeShape {
    fileprivate var isTextual: Bool {
        switch self {
        case .text, .template, .stage, .literal(.string): true
        default: false
        }
    }

    fileprivate var isNumeric: Bool {
        switch self {
        case .number, .literal(.number): true
        default: false
        }
    }

    fileprivate var isWhole: Bool {
        switch self {
        case .number(let isWhole): isWhole
        case .literal(.number(let text)): Int(text) != nil
        default: false
        }
    }

    fileprivate var isFlag: Bool {
        if case .literal(.bool) = self { true } else { false }
    }
}
