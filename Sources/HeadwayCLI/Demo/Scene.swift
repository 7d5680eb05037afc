/// A part of a book that one picture stands for.
struct Scene: Sendable, Equatable {
    /// From 1.
    let number: Int
    let title: String
    let paragraphs: [String]
    let statistics: TextStatistics
    /// What sets it apart from the book's other scenes, best first.
    var keyWords: [String] = []

    /// Splits at headings once a scene is long enough, and at paragraphs when it gets too long.
    ///
    /// - Returns: at least one scene if there is any paragraph; at most about 40, however long the book is.
    static func split(_ document: TextDocument) -> [Scene] {
        let total = document.paragraphs.reduce(0) { $0 + TextStatistics.words(of: $1).count }
        let target = max(260, total / 36)
        var scenes: [Scene] = []
        var title: String?
        var paragraphs: [String] = []
        var statistics = TextStatistics()

        func close() {
            guard !paragraphs.isEmpty else { return }
            scenes.append(
                Scene(
                    number: scenes.count + 1, title: title ?? TextDocument.firstWords(paragraphs[0]),
                    paragraphs: paragraphs, statistics: statistics))
            title = nil
            paragraphs = []
            statistics = TextStatistics()
        }
        for block in document.blocks {
            switch block {
            case .heading(let text):
                if statistics.words >= target / 3 { close() }
                if paragraphs.isEmpty { title = text }
            case .paragraph(let text):
                if statistics.words >= target { close() }
                paragraphs.append(text)
                statistics.add(paragraph: text)
            }
        }
        // A short rest belongs to the scene before it.
        if statistics.words < target / 5, let last = scenes.popLast() {
            var joined = last.statistics
            for paragraph in paragraphs { joined.add(paragraph: paragraph) }
            scenes.append(
                Scene(
                    number: last.number, title: last.title, paragraphs: last.paragraphs + paragraphs,
                    statistics: joined))
        } else {
            close()
        }
        return scenes
    }
}
