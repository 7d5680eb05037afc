import HeadwayCore
import Testing

@testable import HeadwayWire

@Suite("The shelf of pipelines")
struct PipelineShelfTests {
    private func document(_ name: String, attempts: Int) throws -> PipelineDocument {
        let json = #"{"name": "\#(name)", "stages": [{"id": "x"}], "maxAttempts": \#(attempts)}"#
        return try PipelineDocument.parse(Array(json.utf8), file: "a.json", revision: 1).get()
    }

    private func reference(_ name: String, _ revision: Int) -> Pipeline.Reference {
        Pipeline.Reference(name: name, revision: revision)
    }

    @Test("the same content is the same revision; other content is the next; going back is a new one")
    func placement() throws {
        var shelf = PipelineShelf()
        #expect(try shelf.put(document("article", attempts: 1)) == .new(reference("article", 1)))
        #expect(try shelf.put(document("article", attempts: 1)) == .unchanged(reference("article", 1)))
        #expect(try shelf.put(document("article", attempts: 2)) == .new(reference("article", 2)))
        #expect(try shelf.put(document("article", attempts: 1)) == .new(reference("article", 3)))
        #expect(try shelf.put(document("book", attempts: 1)) == .new(reference("book", 1)))
        #expect(shelf.catalog.latest.map(\.reference) == [reference("article", 3), reference("book", 1)])
    }

    @Test("what is written is what is read")
    func roundTrip() throws {
        var shelf = PipelineShelf()
        for attempts in 1...3 { _ = try shelf.put(document("article", attempts: attempts)) }
        let fields = FieldBuffer { buffer in
            for document in shelf.documents.values { PipelineShelf.encode(document, into: &buffer) }
        }
        let read = PipelineShelf(fields: fields)
        #expect(read.documents == shelf.documents)
        #expect(read.catalog == shelf.catalog)
        #expect(read.problems.isEmpty)
    }

    @Test("a revision that cannot be read is a problem, and is never written over")
    func unreadable() throws {
        let article = try document("article", attempts: 1)
        let fields: Fields = [
            "article@1": article.canonical, "article@7": "{", "article": article.canonical,
            "book@1": article.canonical,
        ]
        let shelf = PipelineShelf(fields: fields)
        #expect(shelf.documents.keys.map(\.description) == ["article@1"])
        #expect(
            shelf.problems.map(\.description) == [
                "article@7: is not JSON: line 1, column 2: expected a name in quotes",
                "article: is not a name@revision", "book@1: name: is not that of the field",
            ])
        #expect(shelf.placement(of: article) == .new(reference("article", 8)))
    }
}
