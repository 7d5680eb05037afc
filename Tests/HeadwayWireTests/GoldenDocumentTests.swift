import HeadwayCore
import Testing

@testable import HeadwayWire

/// docs/wire.md is the contract for workers in other languages. Its blocks under `<!-- golden: name -->` are
/// read from the file and compared, both ways: what the code writes is what stands there, and what stands
/// there is read back as the same value.
@Suite("The examples of docs/wire.md")
struct GoldenDocumentTests {
    @Test("are exactly those that the code knows")
    func names() throws {
        #expect(try Golden.document().keys.sorted() == Golden.all.map(\.name).sorted())
    }

    @Test("are written exactly so, and read back", arguments: Golden.all)
    func agree(_ golden: Golden) throws {
        let block = try #require(try Golden.document()[golden.name])
        #expect(block == golden.text)
        #expect(try golden.isReadBack(block))
    }

    @Test("name every partition rightly")
    func partitions() throws {
        let block = try #require(try Golden.document()["partitions"])
        for line in block.split(separator: "\n") {
            let words = line.split(separator: " ")
            try #require(words.count == 3)
            let id = try #require(JobID(String(words[0])))
            #expect(String(CRC16.checksum(id.description.utf8)) == words[1])
            #expect(String(try Keyspace(partitions: 8).partition(of: id)) == words[2])
        }
    }

    @Test("name every field of every hash and every event in a table")
    func tables() throws {
        let page = String(decoding: try bytes(of: "docs/wire.md"), as: UTF8.self)
        let fields =
            EventField.allCases.map(\.name) + JobField.allCases.map(\.name) + ShareField.allCases.map(\.name)
            + Control.Field.allCases.map(\.name) + EventType.allCases.map(\.rawValue)
            + NamespaceConfig.Field.allCases.map(\.name)
        for field in fields { #expect(page.contains("`\(field)`"), "\(field) is not documented") }
        for reason in Refusal.allCases { #expect(page.contains("`\(reason.rawValue)`")) }
    }
}
