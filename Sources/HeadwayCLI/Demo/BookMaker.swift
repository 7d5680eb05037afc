import Headway

/// Makes one book of one text file, and tells Headway how far it is: a worker as anybody would write it.
struct BookMaker: Sendable {
    let order: DemoBook
    let output: DemoOutput

    func make(_ job: Job<Book>) async throws -> IndexPage.Book {
        let pace = Pace(.milliseconds(order.milliseconds))

        let (document, statistics) = try await job.run(.analyzing, message: "Reading \(order.label)") {
            stage in
            let document = try read()
            var statistics = TextStatistics()
            let paragraphs = document.paragraphs
            for (n, paragraph) in paragraphs.enumerated() {
                statistics.add(paragraph: paragraph)
                stage.report(n + 1, of: paragraphs.count, "Counted \(statistics.words) words")
                stage.substep("paragraphs", n + 1, of: paragraphs.count)
                try await pace.keep(Book.Stage.analyzing.share, n + 1, of: paragraphs.count)
                try stage.checkCancellation()
            }
            guard statistics.words > 0 else { throw Unusable.empty(order.label) }
            return (document, statistics)
        }

        let scenes = try await job.run(.generatingScenes, message: "Finding scenes") { stage in
            var scenes = Scene.split(document)
            let keyWords = KeyWords(scenes)
            for n in scenes.indices {
                scenes[n].keyWords = keyWords.of(scenes[n])
                stage.report(n + 1, of: scenes.count, "Scene \(n + 1): \(scenes[n].title)")
                stage.substep("scenes", n + 1, of: scenes.count)
                try await pace.keep(Book.Stage.generatingScenes.share, n + 1, of: scenes.count)
                try stage.checkCancellation()
            }
            return scenes
        }

        let title = document.title
        try await job.run(.creatingArtwork, message: "Drawing") { stage in
            let folder = "\(output.path)/\(order.folder)"
            try FileAccess.makeDirectory(folder)
            stage.substep("page", 0, of: 1)
            for (n, scene) in scenes.enumerated() {
                let svg = Artwork(scene: scene, of: scenes.count).svg
                try FileAccess.write(svg, to: "\(folder)/\(BookPage.artworkName(scene.number))")
                stage.report(n + 1, of: scenes.count + 1, "Drew scene \(n + 1): \(scene.title)")
                stage.substep("pictures", n + 1, of: scenes.count)
                try await pace.keep(Book.Stage.creatingArtwork.share, n + 1, of: scenes.count + 1)
                try stage.checkCancellation()
            }
            let page = BookPage(title: title, source: order.label, statistics: statistics, scenes: scenes)
            try FileAccess.write(page.html, to: output.page(order.folder))
            stage.substep("page", 1, of: 1)
            stage.report(scenes.count + 1, of: scenes.count + 1, "The page is written")
        }
        try await job.complete(
            result: "\(order.folder)/\(BookPage.fileName)",
            message: "\(statistics.words) words, \(scenes.count) scenes, \(statistics.readability)")
        return IndexPage.Book(
            folder: order.folder, title: title, words: statistics.words, scenes: scenes.count,
            readability: statistics.readability)
    }

    private func read() throws -> TextDocument {
        let bytes: [UInt8]
        do {
            bytes = try FileAccess.read(order.path)
        } catch {
            throw Unusable.unreadable("\(order.label): \(SystemText.of(error.number))")
        }
        do {
            return try TextDocument(bytes: bytes)
        } catch {
            throw Unusable.notText("\(order.label) is not text: \(error)")
        }
    }

    /// Why a file cannot become a book, in words for whoever put it there.
    enum Unusable: PublicError {
        case notText(String)
        case empty(String)
        case unreadable(String)

        var publicMessage: String {
            switch self {
            case .notText(let text), .unreadable(let text): text
            case .empty(let label): "\(label) has no words"
            }
        }

        var publicCode: String? {
            switch self {
            case .notText: "not_text"
            case .empty: "no_words"
            case .unreadable: "unreadable"
            }
        }
    }
}
