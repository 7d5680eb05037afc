/// The shelf: every book that was made, and what could not be made into one.
struct IndexPage: Sendable {
    struct Book: Sendable, Equatable {
        let folder: String
        let title: String
        let words: Int
        let scenes: Int
        let readability: String
    }

    struct Refused: Sendable, Equatable {
        let source: String
        let reason: String
    }

    var books: [Book]
    var refused: [Refused]
    /// A sentence under the title.
    var summary: String

    var html: String {
        let cards = books.sorted { ($0.title, $0.folder) < ($1.title, $1.folder) }.map { book in
            """
            <li><a href="\(HTMLText.escape(book.folder))/\(BookPage.fileName)">
            <img src="\(HTMLText.escape(book.folder))/\(BookPage.artworkName(1))" width="\(Artwork.width)" \
            height="\(Artwork.height)" loading="lazy" alt="">
            <strong>\(HTMLText.escape(book.title))</strong>
            <span>\(book.words) words · \(book.scenes) scene\(book.scenes == 1 ? "" : "s") · \(book.readability)</span>
            </a></li>
            """
        }
        let rest = refused.sorted { $0.source < $1.source }.map {
            "<li><strong>\(HTMLText.escape($0.source))</strong>: \(HTMLText.escape($0.reason))</li>"
        }
        return PageFrame.html(
            title: "Books by Headway", styles: "style.css",
            body: """
                <header><h1>Books</h1><p class="source">\(HTMLText.escape(summary))</p></header>
                <ul class="shelf">
                \(cards.joined(separator: "\n"))
                </ul>
                \(rest.isEmpty ? "" : "<section><h2>Not made</h2><ul>\n\(rest.joined(separator: "\n"))\n</ul></section>")
                """)
    }
}

/// What all pages share.
enum PageFrame {
    static func html(title: String, styles: String, body: String) -> String {
        """
        <!doctype html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>\(HTMLText.escape(title))</title>
        <link rel="stylesheet" href="\(styles)">
        <main>
        \(body)
        </main>
        </html>

        """
    }

    static let styleSheet = """
        :root { --paper: #fbf9f5; --ink: #23201c; --faint: #766f66; --line: #e4ded4; --accent: #8a3b12; color-scheme: light dark }
        @media (prefers-color-scheme: dark) {
          :root { --paper: #16171b; --ink: #e9e5dd; --faint: #9d968b; --line: #2e3037; --accent: #f0a674 }
        }
        * { box-sizing: border-box }
        body { margin: 0; background: var(--paper); color: var(--ink); font: 1.0625rem/1.6 Georgia, "Times New Roman", serif }
        main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem 5rem }
        h1 { font-size: clamp(1.8rem, 5vw, 3rem); line-height: 1.15; margin: .5rem 0; text-wrap: balance }
        h2 { font-size: 1.4rem; line-height: 1.25; margin: 3.5rem 0 1rem }
        h2 span { color: var(--accent); font-variant-numeric: tabular-nums; margin-right: .4em }
        a { color: var(--accent) }
        img { display: block; width: 100%; height: auto; border-radius: 10px; background: var(--line) }
        .source, .numbers, .back, small, .shelf span { color: var(--faint); font-size: .9rem }
        .figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: 1.25rem; margin: 2rem 0;
          padding: 1.25rem 0; border-block: 1px solid var(--line) }
        .figures dt { color: var(--faint); font-size: .8rem }
        .figures dd { margin: 0; font-size: 1.6rem; line-height: 1.2 }
        .figures small { display: block; line-height: 1.35 }
        nav ol { columns: 18rem; padding-left: 1.4em }
        nav li { break-inside: avoid }
        .words { display: flex; flex-wrap: wrap; gap: .5rem; list-style: none; padding: 0; margin: 1rem 0 .25rem }
        .words li { border: 1px solid var(--line); border-radius: 99px; padding: .05rem .8rem; font-size: .9rem }
        .shelf { display: grid; grid-template-columns: repeat(auto-fill, minmax(16rem, 1fr)); gap: 2rem 1.5rem; list-style: none; padding: 0 }
        .shelf a { color: inherit; text-decoration: none }
        .shelf strong { display: block; margin-top: .6rem; line-height: 1.3; overflow-wrap: anywhere }
        .shelf a:hover strong { color: var(--accent) }
        details { margin-top: .5rem } summary { cursor: pointer; color: var(--accent) }

        """
}
