import CDashboard

/// A file for browsers, as it lies in `Sources/Dashboard/Assets`: a part of the program, so that there is nothing
/// to install beside it and nothing to fetch from elsewhere.
package struct WebFile: Sendable {
    /// Without a directory: `app.js`.
    package let name: String
    package let bytes: [UInt8]

    /// The `Content-Type`, by the name's ending; every ending that is embedded has one (a test looks).
    package var type: String { Self.types[String(name.split(separator: ".").last ?? "")] ?? Self.unknownType }

    static let unknownType = "application/octet-stream"

    private static let types = [
        "html": "text/html; charset=utf-8",
        "css": "text/css; charset=utf-8",
        "js": "text/javascript; charset=utf-8",
        "json": "application/json",
        "svg": "image/svg+xml",
    ]

    /// All there are, by name. Copied out of the program's image once, when first asked for.
    package static let all: [String: WebFile] = {
        var count = 0
        guard let table = unsafe cdashboard_files(&count) else { return [:] }
        var files: [String: WebFile] = [:]
        for place in 0..<count {
            let file = unsafe table[place]
            let name = unsafe String(cString: file.name)
            let bytes = unsafe [UInt8](UnsafeBufferPointer(start: file.bytes, count: file.count))
            files[name] = WebFile(name: name, bytes: bytes)
        }
        return files
    }()
}
