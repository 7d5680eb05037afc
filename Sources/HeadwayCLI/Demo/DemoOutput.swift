import Glibc

/// The directory that the books go to: ours alone, so that what is in it can be counted.
struct DemoOutput: Sendable {
    let path: String

    var state: StateDirectory { StateDirectory(path: "\(path)/.headway") }
    var index: String { "\(path)/index.html" }

    func page(_ folder: String) -> String { "\(path)/\(folder)/\(BookPage.fileName)" }

    /// Makes it, or empties what an earlier demo left: only what a demo writes, and only where a demo was.
    static func prepared(_ wish: String) throws -> DemoOutput {
        if FileAccess.exists(wish), !FileAccess.isDirectory(wish) {
            throw Failure("\(wish) is not a directory")
        }
        if FileAccess.isDirectory(wish) {
            let names = try FileAccess.names(in: wish)
            guard names.isEmpty || names.contains(".headway") else {
                throw Failure(
                    "\(wish) is not empty, and not of an earlier demo; give --output another directory")
            }
        }
        try FileAccess.makeDirectory("\(wish)/.headway", mode: 0o700)
        let output = DemoOutput(path: FileAccess.realPath(wish) ?? wish)
        for folder in try FileAccess.names(in: output.path) where folder != ".headway" {
            let path = "\(output.path)/\(folder)"
            for name in (try? FileAccess.names(in: path)) ?? [] where Self.isOurs(name) {
                unsafe unlink("\(path)/\(name)")
            }
            unsafe rmdir(path)
        }
        unsafe unlink(output.index)
        return output
    }

    private static func isOurs(_ name: String) -> Bool {
        name == BookPage.fileName || name.hasPrefix("scene-") && name.hasSuffix(".svg")
            || name.hasSuffix(".tmp")
    }

    /// The folders that have a page, sorted: the truth that the aggregate is compared with.
    func pagesOnDisk() throws -> [String] {
        try FileAccess.names(in: path).filter { FileAccess.exists(page($0)) }
    }
}
