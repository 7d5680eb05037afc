import Testing

@testable import HeadwayCLI

@Suite("Books")
struct BookTests {
    @Test("words, sentences and syllables are counted as a reader would")
    func counting() {
        var statistics = TextStatistics()
        statistics.add(
            paragraph: "The cat sat on the mat. It didn't move! \"Why not?\" asked Mr. Smith, e.g. aloud.")
        #expect(statistics.sentences == 3)
        #expect(statistics.words == 16)
        #expect(statistics.longestSentence == 7)
        #expect(statistics.sentenceLengths == [6, 3, 7])
        #expect(statistics.frequencies["the"] == 2)
        #expect(statistics.frequencies["didn't"] == 1)
    }

    struct Word: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let syllables: Int
    }

    static let words = [
        ("cat", 1), ("licence", 2), ("software", 2), ("table", 2), ("walked", 1), ("wanted", 2), ("a", 1),
        ("distribution", 4), ("free", 1), ("rhythm", 1),
    ].map { Word(testDescription: $0.0, syllables: $0.1) }

    @Test("syllables are groups of vowels, but for what is silent", arguments: words)
    func syllables(_ word: Word) {
        #expect(TextStatistics.syllables(of: word.testDescription) == word.syllables)
    }

    @Test("Flesch's reading ease is what the formula gives")
    func ease() {
        var statistics = TextStatistics()
        statistics.add(paragraph: "The cat sat on the mat.")
        #expect(statistics.readingEase == 206.835 - 1.015 * 6 - 84.6 * 1)
        #expect(statistics.readability == "very easy")
        #expect(TextStatistics().readingEase == 0)
    }

    @Test("adding paragraphs one by one is adding them together", arguments: [1, 2, 3])
    func additive(cut: Int) {
        let paragraphs = Self.document.paragraphs
        var together = TextStatistics()
        for paragraph in paragraphs { together.add(paragraph: paragraph) }
        var first = TextStatistics()
        for paragraph in paragraphs.prefix(cut) { first.add(paragraph: paragraph) }
        for paragraph in paragraphs.dropFirst(cut) { first.add(paragraph: paragraph) }
        #expect(first == together)
    }

    static let document = TextDocument(
        text: """
            # A Title

            First paragraph,
            on two lines.

            1. Definitions.

            Second paragraph. It has "quotes" & <tags>.

                          CENTERED HEADING

            Third.
            """)

    @Test("headings are told from paragraphs")
    func headings() {
        #expect(
            Self.document.blocks == [
                .heading("A Title"), .paragraph("First paragraph, on two lines."), .heading("1. Definitions"),
                .paragraph("Second paragraph. It has \"quotes\" & <tags>."), .heading("CENTERED HEADING"),
                .paragraph("Third."),
            ])
        #expect(Self.document.title == "A Title")
    }

    struct Bytes: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bytes: [UInt8]
        let offset: Int
    }

    static let files = [
        Bytes(testDescription: "a PNG", bytes: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a], offset: 0),
        Bytes(testDescription: "a zero byte", bytes: Array("text\0".utf8), offset: 4),
        Bytes(testDescription: "Latin-1", bytes: Array("caf".utf8) + [0xe9, 0x20], offset: 3),
        Bytes(
            testDescription: "a character cut at the end", bytes: Array("ab".utf8) + [0xe2, 0x82], offset: 2),
        Bytes(testDescription: "an ELF file", bytes: [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0], offset: 4),
    ]

    @Test("what is not text says where it is not", arguments: files)
    func notText(_ file: Bytes) throws {
        let error = try #require(throws: TextDocument.NotText.self) { try TextDocument(bytes: file.bytes) }
        #expect(error.offset == file.offset)
    }

    @Test("no word is lost or doubled by splitting a book into scenes")
    func scenes() throws {
        let bytes = try FileAccess.read("/usr/share/common-licenses/GPL-3")
        let document = try TextDocument(bytes: bytes)
        let scenes = Scene.split(document)
        #expect(scenes.flatMap(\.paragraphs) == document.paragraphs)
        #expect(scenes.map(\.number) == Array(1...scenes.count))
        #expect((8...40).contains(scenes.count))
        #expect(Scene.split(TextDocument(text: "")).isEmpty)
        let words = KeyWords(scenes).of(scenes[0])
        #expect(words.count == 6 && words.allSatisfy { !KeyWords.stopWords.contains($0) })
    }

    @Test("the same scene gives the same picture, and another one another")
    func artwork() throws {
        let document = try TextDocument(bytes: FileAccess.read("/usr/share/common-licenses/GPL-3"))
        let scenes = Scene.split(document)
        let pictures = scenes.map { Artwork(scene: $0, of: scenes.count).svg }
        #expect(pictures == scenes.map { Artwork(scene: $0, of: scenes.count).svg })
        #expect(Set(pictures).count == scenes.count)
        for svg in pictures {
            #expect(svg.hasPrefix("<svg xmlns=\"http://www.w3.org/2000/svg\"") && svg.hasSuffix("</svg>\n"))
            #expect(!svg.contains("nan") && !svg.contains("inf\""))
        }
    }

    @Test("a text cannot smuggle markup into its page")
    func escaping() {
        let document = TextDocument(text: "<script>alert(1)</script> & \"more\" of it.")
        let scenes = Scene.split(document)
        var statistics = TextStatistics()
        for paragraph in document.paragraphs { statistics.add(paragraph: paragraph) }
        let page = BookPage(title: "<b>", source: "a&b", statistics: statistics, scenes: scenes).html
        #expect(!page.contains("<script>") && !page.contains("<b>"))
        #expect(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;more&quot;"))
        #expect(!Artwork(scene: scenes[0], of: 1).svg.contains("<script>"))
    }

    @Test("books are dealt the largest first, under names that are fit for ids and folders")
    func naming() {
        let input = DemoInput(files: [
            .init(path: "/a", label: "docs/Über uns.md", size: 10),
            .init(path: "/b", label: "docs/Uber uns.md", size: 30),
            .init(path: "/c", label: "...", size: 5), .init(path: "/d", label: "docs-uber-uns.md", size: 20),
        ])
        let books = DemoBook.list(input, bulk: "b", workers: 2, pace: .seconds(10))
        #expect(books.map(\.path) == ["/b", "/d", "/a", "/c"])
        #expect(books.map(\.folder) == ["docs-uber-uns.md", "docs-uber-uns.md-2", "docs-ber-uns.md", "book"])
        #expect(books.allSatisfy { $0.milliseconds <= 10_000 })
        #expect(books.map(\.line).compactMap { DemoBook(line: $0) } == books)
    }

    @Test("a difference between aggregate and disk is said, job by job")
    func reckoning() {
        let aggregate = DemoReckoning.Aggregate(
            phase: "settled", total: 3, registered: 3, completed: 2, failed: 1, rest: 0,
            completedJobs: ["a", "b"],
            failedJobs: ["c"])
        func differences(_ pages: Set<String>, _ missing: Set<String>) -> [String] {
            DemoReckoning(
                aggregate: aggregate,
                disk: .init(files: pages.count + missing.count, pages: pages, missing: missing)
            ).differences
        }
        #expect(differences(["a", "b"], ["c"]) == [])
        #expect(differences(["a", "c"], ["b"]).count == 4)
        #expect(differences(["a"], ["b", "c"]).contains("completed: Headway says 2, on disk it is 1"))
    }
}
