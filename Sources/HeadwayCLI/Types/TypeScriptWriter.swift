import HeadwayWire
import ReadAPI

/// Writes a pipeline's types for TypeScript: types only, no code. Deterministic.
struct TypeScriptWriter {
    let types: PipelineTypes
    /// Of all that is written.
    private let prefix: String
    /// A shape that has a name of its own already.
    private var named: (shape: TypeShape, name: String)?

    init(_ types: PipelineTypes) {
        self.types = types
        prefix = CodeName.upperCamel(types.name)
    }

    /// - Parameter origin: what the command was given, for the head.
    func text(origin: String) -> String {
        var parts = [
            """
            // The types of pipeline \(types.name). Made by
            //   headway pipelines types --typescript \(origin)
            // Do not edit; make it anew when the pipeline changes.
            """,
            "/** The stages, in order. */\n"
                + declaration("\(prefix)Stage", .words(types.stages)),
            "/** The words of the API itself. */\n"
                + declaration("\(prefix)RawStatus", .words(SnapshotShape.statuses)),
        ]
        if let status = types.sharedStatus {
            parts.append(
                "/** The words of this pipeline's views. */\n" + declaration("\(prefix)Status", status))
        }
        parts.append("/** `GET /v1/jobs/{id}` */\n" + interface("\(prefix)Snapshot", types.snapshot))
        let events = [TypeShape.Member("job", .anything)] + SnapshotShape.streamEvents
        let map = events.map { event in
            let type = event.name == "job" ? "\(prefix)Snapshot" : type(event.shape, "  ")
            return "  \(key(event.name)): \(type);\n"
        }
        parts.append(
            "/** `GET /v1/jobs/{id}/events`, by the event's name */\n"
                + "export interface \(prefix)StreamEvents {\n\(map.joined())}")
        for view in types.views { parts += texts(of: view) }
        return parts.joined(separator: "\n\n") + "\n"
    }

    private func texts(of view: PipelineTypes.View) -> [String] {
        let name = prefix + view.name
        var parts: [String] = []
        var writer = self
        if let status = view.status {
            writer.named = (status, types.sharedStatus == status ? "\(prefix)Status" : "\(name)Status")
        }
        if let status = view.status, types.sharedStatus != status {
            parts.append("/** `$status` of `\(view.route)` */\n" + declaration("\(name)Status", status))
        }
        if let response = view.response {
            parts.append("/** `GET \(view.route)` */\n" + writer.declaration("\(name)Response", response))
        }
        if !view.events.isEmpty {
            parts.append(
                "/** The event stream of `\(view.route)`, by the event's name */\n"
                    + writer.interface(name.hasSuffix("Events") ? name : "\(name)Events", view.events))
        }
        if let error = view.error {
            parts.append(
                "/** What `\(view.route)` answers otherwise */\n" + declaration("\(name)Error", error))
        }
        return parts
    }

    private func declaration(_ name: String, _ shape: TypeShape) -> String {
        if case .object(let members) = shape { return interface(name, members) }
        return "export type \(name) = \(type(shape, ""));"
    }

    private func interface(_ name: String, _ members: [TypeShape.Member]) -> String {
        "export interface \(name) \(body(members, ""))"
    }

    private func body(_ members: [TypeShape.Member], _ indent: String) -> String {
        if members.isEmpty { return "{}" }
        let lines = members.map { member in
            let mark = member.isOptional ? "?" : ""
            return "\(indent)  \(key(member.name))\(mark): \(type(member.shape, indent + "  "));\n"
        }
        return "{\n\(lines.joined())\(indent)}"
    }

    private func type(_ shape: TypeShape, _ indent: String) -> String {
        if let named, case .choice = shape, named.shape == shape { return named.name }
        return switch shape {
        case .anything: "unknown"
        case .null: "null"
        case .flag: "boolean"
        case .number: "number"
        case .text: "string"
        case .literal(.string(let text)): quoted(text)
        case .literal(let json): json.text
        case .template(let parts):
            "`" + parts.map { $0.map(Self.inTemplate) ?? "${string}" }.joined() + "`"
        case .stage: "\(prefix)Stage"
        case .list(let element):
            element.alternatives.count > 1
                ? "(\(type(element, indent)))[]" : "\(type(element, indent))[]"
        case .dictionary(let element): "Record<string, \(type(element, indent))>"
        case .object(let members): body(members, indent)
        case .choice([]): "never"
        case .choice(let shapes): shapes.map { type($0, indent) }.joined(separator: " | ")
        }
    }

    private static func inTemplate(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("`", with: "\\`").replacing("${", with: "\\${")
    }

    /// A name as it is where it may be, else in quotes.
    private func key(_ name: String) -> String {
        let isPlain =
            !name.isEmpty
            && name.utf8.enumerated().allSatisfy { place, byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "_"), UInt8(ascii: "$"):
                    true
                case UInt8(ascii: "0")...UInt8(ascii: "9"): place > 0
                default: false
                }
            }
        return isPlain ? name : quoted(name)
    }

    /// JSON's texts are TypeScript's.
    private func quoted(_ text: String) -> String {
        JSON.string(text).text
    }
}
