import Glibc

/// Files, whole: read at once, written beside and moved into place, so that nobody ever sees half of one.
enum FileAccess {
    struct Problem: Error, Equatable, CustomStringConvertible {
        let path: String
        let number: CInt

        var description: String { "\(Printable.line(path, limit: 200)): \(SystemText.of(number))" }
    }

    static func read(_ path: String) throws(Problem) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Problem(path: path, number: errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
            }
            if count > 0 { bytes.append(contentsOf: buffer[..<count]) }
            if count == 0 { return bytes }
            if count < 0, errno != EINTR { throw Problem(path: path, number: errno) }
        }
    }

    /// - Parameter mode: for a new file, before the umask.
    static func write(_ text: String, to path: String, mode: mode_t = 0o644) throws(Problem) {
        let draft = "\(path).\(getpid()).tmp"
        let descriptor = unsafe open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw Problem(path: path, number: errno) }
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let number = errno
                close(descriptor)
                unsafe unlink(draft)
                throw Problem(path: path, number: number)
            }
            bytes = bytes.dropFirst(count)
        }
        close(descriptor)
        guard unsafe rename(draft, path) == 0 else {
            let number = errno
            unsafe unlink(draft)
            throw Problem(path: path, number: number)
        }
    }

    /// As `mkdir -p`.
    static func makeDirectory(_ path: String, mode: mode_t = 0o755) throws(Problem) {
        if isDirectory(path) { return }
        if let slash = path.lastIndex(of: "/"), slash > path.startIndex {
            try makeDirectory(String(path[..<slash]), mode: mode)
        }
        guard unsafe mkdir(path, mode) == 0 || errno == EEXIST && isDirectory(path) else {
            throw Problem(path: path, number: errno)
        }
    }

    static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    static func isDirectory(_ path: String) -> Bool {
        var info = stat()
        return unsafe stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
    }

    /// With links followed and `..` resolved; nil when it does not exist.
    static func realPath(_ path: String) -> String? {
        guard let resolved = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    /// Names in a directory, sorted, without `.` and `..`.
    static func names(in path: String) throws(Problem) -> [String] {
        guard let directory = unsafe opendir(path) else { throw Problem(path: path, number: errno) }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) {
                unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}

/// What the system says of an error number.
enum SystemText {
    static func of(_ number: CInt) -> String {
        guard let text = unsafe strerror(number) else { return "error \(number)" }
        return unsafe String(cString: text)
    }
}
