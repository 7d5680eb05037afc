/// One text as an illustrated web page.
struct BookPage: Sendable {
    let title: String
    /// Where it came from, as the reader knows it.
    let source: String
    let statistics: TextStatistics
    let scenes: [Scene]

    static let fileName = "index.html"

    static func artworkName(_ scene: Int) -> String { "scene-\(scene < 10 ? "0" : "")\(scene).svg" }

    var html: String {
        PageFrame.html(
            title: title, styles: "../style.css",
            body: """
                <p class="back"><a href="../index.html">All books</a></p>
                <header>
                <h1>\(HTMLText.escape(title))</h1>
                <p class="source">\(HTMLText.escape(source))</p>
                </header>
                \(figures)
                <nav aria-label="Scenes"><ol>
                \(contents)
                </ol></nav>
                \(scenes.map(section).joined(separator: "\n"))
                """)
    }

    private var contents: String {
        scenes.map { "<li><a href=\"#scene-\($0.number)\">\(HTMLText.escape($0.title))</a></li>" }
            .joined(separator: "\n")
    }

    private var figures: String {
        let rows: [(String, String, String)] = [
            ("\(statistics.words)", "words", "\(statistics.frequencies.count) different"),
            ("\(statistics.sentences)", "sentences", "the longest has \(statistics.longestSentence) words"),
            (statistics.readingEase.tenths, "reading ease", "Flesch: \(statistics.readability)"),
            (statistics.grade.tenths, "school grade", "Flesch and Kincaid"),
            (
                statistics.wordsPerSentence.tenths, "words a sentence",
                "\(statistics.lettersPerWord.tenths) letters a word"
            ),
            ("\(Int(statistics.typeTokenRatio * 100)) %", "distinct words", "type-token ratio"),
            ("\(statistics.readingMinutes) min", "to read", "at 238 words a minute"),
        ]
        let items = rows.map { number, name, note in
            "<div><dt>\(name)</dt><dd>\(number)<small>\(HTMLText.escape(note))</small></dd></div>"
        }
        return "<dl class=\"figures\">\n\(items.joined(separator: "\n"))\n</dl>"
    }

    private func section(_ scene: Scene) -> String {
        let words = scene.keyWords.map { "<li>\(HTMLText.escape($0))</li>" }.joined()
        let text = scene.paragraphs.map { "<p>\(HTMLText.escape($0))</p>" }.joined(separator: "\n")
        let numbers =
            "\(scene.statistics.words) words · \(scene.statistics.sentences) sentences · "
            + "reading ease \(scene.statistics.readingEase.tenths)"
        return """
            <section id="scene-\(scene.number)">
            <h2><span>\(scene.number)</span> \(HTMLText.escape(scene.title))</h2>
            <img src="\(Self.artworkName(scene.number))" width="\(Artwork.width)" height="\(Artwork.height)" \
            loading="lazy" alt="A landscape drawn from the statistics of scene \(scene.number)">
            <ul class="words" aria-label="Key words">\(words)</ul>
            <p class="numbers">\(numbers)</p>
            <details><summary>Read</summary>
            \(text)
            </details>
            </section>
            """
    }
}
