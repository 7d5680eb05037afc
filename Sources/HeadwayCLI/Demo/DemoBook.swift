import HeadwayWire

/// One book to make: the order that a worker gets, on one line of JSON.
struct DemoBook: Sendable, Equatable {
    let job: String
    let path: String
    let label: String
    /// Under the output directory.
    let folder: String
    /// How long the work is stretched to, so that a person can watch; 0 is as fast as it goes.
    var milliseconds = 0

    /// Names books after their files; two of the same name get a number.
    ///
    /// - Parameter pace: how long all of them together may last; each gets its share by its size.
    static func list(_ input: DemoInput, bulk: String, workers: Int, pace: Duration) -> [DemoBook] {
        var taken: Set<String> = []
        let total = max(1, input.files.reduce(0) { $0 + max(1, $1.size) })
        let budget = Int(pace / .milliseconds(1))
        // The largest first: dealt last, one of them would keep everybody waiting.
        let files = input.files.sorted { ($1.size, $0.label) < ($0.size, $1.label) }
        return files.map { file in
            let base = slug(file.label)
            var folder = base
            var number = 2
            while !taken.insert(folder).inserted {
                folder = "\(base)-\(number)"
                number += 1
            }
            let share = Double(budget) * Double(workers) * Double(max(1, file.size)) / Double(total)
            return DemoBook(
                job: "\(bulk).\(folder)", path: file.path, label: file.label, folder: folder,
                milliseconds: min(budget, Int(share)))
        }
    }

    /// Lower-case letters, digits and hyphens: fit for a job id, a folder and a URL.
    static func slug(_ text: String) -> String {
        var out = ""
        for scalar in text.lowercased().unicodeScalars {
            switch scalar {
            case "a"..."z", "0"..."9", ".": out.unicodeScalars.append(scalar)
            default: if !out.isEmpty, out.last != "-" { out.append("-") }
            }
        }
        while let last = out.last, "-.".contains(last) { out.removeLast() }
        while out.hasPrefix(".") { out.removeFirst() }
        return out.isEmpty ? "book" : String(out.prefix(80))
    }

    // MARK: The line

    var line: String {
        JSON.object([
            JSON.Member("job", .string(job)), JSON.Member("path", .string(path)),
            JSON.Member("label", .string(label)),
            JSON.Member("folder", .string(folder)), JSON.Member("ms", .number(milliseconds)),
        ]).text
    }

    init(
        job: String, path: String, label: String, folder: String, milliseconds: Int = 0
    ) {
        self.job = job
        self.path = path
        self.label = label
        self.folder = folder
        self.milliseconds = milliseconds
    }

    init?(line: String) {
        guard let json = try? JSON(Array(line.utf8)), let job = json["job"]?.string,
            let path = json["path"]?.string,
            let label = json["label"]?.string, let folder = json["folder"]?.string,
            case .number(let time)? = json["ms"], let milliseconds = Int(time)
        else { return nil }
        self.init(job: job, path: path, label: label, folder: folder, milliseconds: milliseconds)
    }
}

/// What a worker says of a book when it is done with it, on one line of JSON.
enum DemoOutcome: Sendable, Equatable {
    case made(IndexPage.Book)
    case failed(String)

    var line: String {
        switch self {
        case .made(let book):
            JSON.object([
                JSON.Member("folder", .string(book.folder)), JSON.Member("title", .string(book.title)),
                JSON.Member("words", .number(book.words)), JSON.Member("scenes", .number(book.scenes)),
                JSON.Member("readability", .string(book.readability)),
            ]).text
        case .failed(let reason): JSON.object([JSON.Member("failed", .string(reason))]).text
        }
    }

    init?(line: String) {
        guard let json = try? JSON(Array(line.utf8)) else { return nil }
        if let reason = json["failed"]?.string {
            self = .failed(reason)
            return
        }
        guard let folder = json["folder"]?.string, let title = json["title"]?.string,
            let readability = json["readability"]?.string, case .number(let words)? = json["words"],
            case .number(let scenes)? = json["scenes"]
        else { return nil }
        self = .made(
            IndexPage.Book(
                folder: folder, title: title, words: Int(words) ?? 0, scenes: Int(scenes) ?? 0,
                readability: readability))
    }
}
