import Glibc

/// Which files the demo makes books of.
struct DemoInput: Sendable, Equatable {
    struct File: Sendable, Equatable {
        let path: String
        /// As people know it: `GPL-3`, `docs/wire.md`.
        let label: String
        let size: Int
    }

    private(set) var files: [File] = []
    /// Links to a file that is among them already.
    private(set) var doubles = 0
    private var seen: Set<String> = []

    init(files: [File] = []) { self.files = files }

    static let licences = "/usr/share/common-licenses"

    /// The licences that every Debian ships, and the documents of the project that we stand in.
    static func usual(here: String) -> DemoInput {
        var input = DemoInput()
        input.take(licences, label: "", depth: 1) { _ in true }
        for folder in ["", "docs", "seeds"] {
            let path = folder.isEmpty ? here : "\(here)/\(folder)"
            input.take(path, label: folder.isEmpty ? "" : "\(folder)/", depth: 1) { name in
                name.hasSuffix(".md") || name.hasSuffix(".txt") || name == "LICENSE" || name == "NOTICE"
            }
        }
        return input
    }

    /// Every file below `directory`, but hidden ones and what is under `excluded`.
    static func all(in directory: String, excluding excluded: String?) throws(Failure) -> DemoInput {
        guard FileAccess.isDirectory(directory) else {
            throw Failure("\(Printable.line(directory, limit: 200)) is not a directory")
        }
        var input = DemoInput()
        if let excluded { input.seen.insert(excluded) }
        input.take(directory, label: "", depth: 12) { _ in true }
        return input
    }

    private mutating func take(_ directory: String, label: String, depth: Int, where wanted: (String) -> Bool)
    {
        guard depth > 0 else { return }
        for name in (try? FileAccess.names(in: directory)) ?? [] where !name.hasPrefix(".") {
            let path = "\(directory)/\(name)"
            var info = stat()
            guard unsafe stat(path, &info) == 0, let real = FileAccess.realPath(path) else { continue }
            switch info.st_mode & S_IFMT {
            case S_IFDIR:
                guard seen.insert(real).inserted else { continue }
                take(path, label: "\(label)\(name)/", depth: depth - 1, where: wanted)
            case S_IFREG where wanted(name):
                guard seen.insert(real).inserted else {
                    doubles += 1
                    continue
                }
                // GPL-3 rather than GPL, which only points at it.
                let own =
                    directory == DemoInput.licences ? real.split(separator: "/").last.map(String.init) : nil
                files.append(File(path: real, label: label + (own ?? name), size: Int(info.st_size)))
            default: continue
            }
        }
    }
}
