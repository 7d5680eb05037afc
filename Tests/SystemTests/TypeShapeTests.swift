import Foundation
import HeadwayWire
import ReadAPI
import TestSupport
import Testing

@testable import HeadwayCLI

@Suite("Types of views")
struct TypeShapeTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let json: String
        let shape: TypeShape
        var mayBeAbsent = false
        var testDescription: String { json }
    }

    private static let whole = TypeShape.number(isWhole: true)
    private static let decimal = TypeShape.number(isWhole: false)
    private static func word(_ text: String) -> TypeShape { .literal(.string(text)) }

    /// By the tables of docs/views.md.
    static let rows = [
        Row(json: "null", shape: .null), Row(json: "true", shape: .literal(.bool(true))),
        Row(json: "1.5", shape: .literal(.number("1.5"))), Row(json: #""text""#, shape: word("text")),
        Row(json: #""$$5""#, shape: word("$5")), Row(json: #""a $$ b""#, shape: word("a $ b")),
        Row(json: #""$5""#, shape: word("$5")),
        Row(json: #""$id""#, shape: .text), Row(json: #""$result""#, shape: .optional(.text)),
        Row(json: #""$result|or:none""#, shape: .text),
        Row(json: #""$result|omitnull""#, shape: .text, mayBeAbsent: true),
        Row(json: #""$result|json""#, shape: .anything), Row(json: #""$id|omitnull""#, shape: .text),
        Row(json: #""$stage""#, shape: .optional(.stage)),
        Row(json: #""$stage.id""#, shape: .optional(.stage)),
        Row(json: #""$stage|or:NONE""#, shape: .choice([.stage, word("NONE")])),
        Row(json: #""$stage.percent|or:0""#, shape: whole),
        Row(json: #""$elapsedSeconds""#, shape: .optional(decimal)),
        Row(json: #""$elapsedSeconds|round:0""#, shape: .optional(whole)),
        Row(json: #""$exactPercent|round:1""#, shape: decimal), Row(json: #""$updatedAt|ms""#, shape: whole),
        Row(json: #""$finishedAt|ms|or:0""#, shape: whole),
        Row(json: #""$finishedAt|iso:s""#, shape: .optional(.text)),
        Row(
            json: #""page ${stage.index} of ${stage.of|or:?}""#,
            shape: .template(["page ", nil, " of ", nil])),
        Row(json: #""$nothing""#, shape: .null, mayBeAbsent: true),
        Row(json: #""$completedStages""#, shape: .list(.stage)),
        Row(json: #""$completedStages.0""#, shape: .optional(.stage)),
        Row(json: #""$substeps.0.done""#, shape: .optional(whole)),
        Row(json: #""$attributes.mode""#, shape: .optional(.text)),
        Row(json: #""$never.heard.of""#, shape: .anything),
        Row(json: #"[1, "x"]"#, shape: .list(.choice([.literal(.number("1")), word("x")]))),
        Row(
            json: #"{"$by": "status", "queued": null, "running": "$stage", "else": "failed"}"#,
            shape: .choice([.stage, word("failed"), .null])),
        Row(
            json: #"{"$by": "status", "failed": "x", "else": "$nothing"}"#, shape: word("x"),
            mayBeAbsent: true),
        Row(json: #"{"$if": "$error", "then": 1}"#, shape: .literal(.number("1")), mayBeAbsent: true),
        // What was found to be there is not null.
        Row(
            json: #"{"$if": "$error", "else": null, "then": {"m": "$error.message", "c": "$error.code"}}"#,
            shape: .optional(
                .object([TypeShape.Member("m", .text), TypeShape.Member("c", .optional(.text))]))),
        Row(
            json: #"{"$each": "$substeps", "as": {"n": "$item.id", "d": "$item.done"}}"#,
            shape: .list(
                .object([TypeShape.Member("n", .text), TypeShape.Member("d", .optional(whole))]))),
        Row(
            json: #"{"$$by": "$id", "gone": "$result|omitnull"}"#,
            shape: .object([
                TypeShape.Member("$by", .text), TypeShape.Member("gone", .text, isOptional: true),
            ])),
    ]

    @Test("each kind of value is what the tables say", arguments: rows)
    func value(_ row: Row) throws {
        let typing = ViewTyping(subject: .job, status: .text)
        let slot = typing.value(try JSON(Array(row.json.utf8)))
        #expect(slot == ViewTyping.Slot(shape: row.shape, mayBeAbsent: row.mayBeAbsent))
    }

    @Test(
        "a choice holds each shape once, null last, and nothing that another covers; its order of joining is no matter"
    )
    func joined() {
        let (a, b) = (Self.word("a"), Self.word("b"))
        #expect(TypeShape.joined([a, .null, b, a]) == .choice([a, b, .null]))
        #expect(TypeShape.joined([a, .text, b]) == .text)
        #expect(TypeShape.joined([a, .anything, .null]) == .anything)
        #expect(TypeShape.joined([Self.whole, Self.decimal]) == Self.decimal)
        #expect(TypeShape.joined([.literal(.bool(true)), .literal(.bool(false))]) == .flag)
        #expect(
            TypeShape.joined([.list(.joined([])), .list(.stage), .list(a)]) == .list(.choice([.stage, a])))
        let shapes = [a, b, .null, .text, Self.whole, .flag, .list(a), .stage]
        for x in shapes {
            for y in shapes {
                for z in shapes {
                    let left = TypeShape.joined([.joined([x, y]), z])
                    #expect(left == .joined([x, .joined([y, z])]))
                    #expect(left == .joined([left, left]))
                }
            }
        }
    }

    struct Name: Sendable, CustomTestStringConvertible {
        let text: String
        let member: String
        let type: String
        var testDescription: String { text }
    }

    @Test(
        "names of stages become names of Swift",
        arguments: [
            Name(text: "writing", member: "writing", type: "Writing"),
            Name(text: "GENERATING_SCENES", member: "generatingScenes", type: "GeneratingScenes"),
            Name(text: "writeDraft", member: "writeDraft", type: "WriteDraft"),
            Name(text: "WriteDraft", member: "writeDraft", type: "WriteDraft"),
            Name(text: "a-b.c:d@e", member: "aBCDE", type: "ABCDE"),
            Name(text: "2nd", member: "_2nd", type: "_2nd"), Name(text: "---", member: "__", type: "_"),
            Name(text: "self", member: "self_", type: "Self"), Name(text: "", member: "__", type: "_"),
            Name(text: "allCases", member: "allCases_", type: "AllCases"),
            Name(text: "seite/straße", member: "seiteStraE", type: "SeiteStraE"),
        ])
    func names(_ name: Name) {
        #expect(SwiftWriter.memberName(name.text) == name.member)
        #expect(CodeName.upperCamel(name.text) == name.type)
    }

    @Test("names that fall together are told apart")
    func distinct() {
        #expect(CodeName.distinct(["a", "b", "a", "a2", "a"]) == ["a", "b", "a2", "a22", "a3"])
    }
}
