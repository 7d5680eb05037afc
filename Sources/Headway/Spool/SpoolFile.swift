import Glibc

/// Why a spool file could not be read or written.
struct SpoolProblem: Error, Sendable, Equatable {
    let path: String
    /// `open`, `write`, …
    let call: String
    let number: CInt

    var text: String {
        guard let text = unsafe strerror(number) else { return "error \(number)" }
        return unsafe String(cString: text)
    }
}

/// One spool file, held by a lock that the kernel lets go of whatever its process dies of. Every call blocks.
final class SpoolFile {
    let path: String
    private var descriptor: CInt
    /// Of whole records.
    private(set) var size: Int
    /// Whether the file would still be found under its name after a power cut.
    private var isNameSynced = true

    private init(path: String, descriptor: CInt, size: Int) {
        self.path = path
        self.descriptor = descriptor
        self.size = size
    }

    deinit { close(descriptor) }

    /// Makes a new file. Nobody sees it before it is locked.
    static func create(at path: String) throws(SpoolProblem) -> SpoolFile {
        let file = SpoolFile(path: path, descriptor: try draft(beside: path), size: 0)
        do throws(SpoolProblem) {
            try check("rename", path, unsafe rename(path + SpoolName.draft, path))
        } catch {
            unsafe unlink(path + SpoolName.draft)
            throw error
        }
        do throws(SpoolProblem) {
            try SpoolDirectory.sync(of: path)
        } catch {
            unsafe unlink(path)
            throw error
        }
        return file
    }

    private static func draft(beside path: String) throws(SpoolProblem) -> CInt {
        let draft = path + SpoolName.draft
        let flags = O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW
        let descriptor = try check("open", draft, unsafe open(draft, flags, 0o600))
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let number = errno
            close(descriptor)
            throw SpoolProblem(path: draft, call: "flock", number: number)
        }
        return descriptor
    }

    /// Takes over what a process that has died left behind.
    ///
    /// - Returns: nil when its process lives, or somebody else was faster.
    static func adopt(_ path: String) throws(SpoolProblem) -> SpoolFile? {
        let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        if descriptor < 0, errno == ENOENT { return nil }
        try check("open", path, descriptor)
        let file = SpoolFile(path: path, descriptor: descriptor, size: 0)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { return nil }
        // Between the opening and the lock it may have been removed, or replaced by a shorter one.
        var ours = stat()
        var now = stat()
        try check("stat", path, unsafe fstat(descriptor, &ours))
        guard unsafe stat(path, &now) == 0, now.st_ino == ours.st_ino, now.st_dev == ours.st_dev else {
            return nil
        }
        guard ours.st_mode & S_IFMT == S_IFREG else { return nil }
        file.size = Int(ours.st_size)
        return file
    }

    /// Whether a living process holds it. Looks, and lets go at once.
    static func isHeld(_ path: String) -> Bool {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0
    }

    // MARK: Contents

    static func read(_ path: String) throws(SpoolProblem) -> [UInt8] {
        let descriptor = try check("open", path, unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW))
        defer { close(descriptor) }
        return try read(descriptor, path)
    }

    func read() throws(SpoolProblem) -> [UInt8] { try Self.read(descriptor, path) }

    private static func read(_ descriptor: CInt, _ path: String) throws(SpoolProblem) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 256 << 10)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe pread(descriptor, $0.baseAddress, $0.count, bytes.count)
            }
            if count < 0, errno == EINTR { continue }
            try check("read", path, CInt(clamping: count))
            if count == 0 { return bytes }
            bytes.append(contentsOf: buffer[..<count])
        }
    }

    /// Writes whole records at the end. After an error the file is as it was before, or is cut at the next try.
    func append(_ bytes: [UInt8]) throws(SpoolProblem) {
        do {
            try write(bytes[...], to: descriptor, at: size)
        } catch {
            _ = ftruncate(descriptor, size)
            throw error
        }
        size += bytes.count
    }

    private func write(_ bytes: ArraySlice<UInt8>, to descriptor: CInt, at start: Int) throws(SpoolProblem) {
        var rest = bytes
        var place = start
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe pwrite(descriptor, $0.baseAddress, $0.count, place)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw SpoolProblem(path: path, call: "write", number: count == 0 ? ENOSPC : errno)
            }
            rest = rest.dropFirst(count)
            place += count
        }
    }

    /// Waits until what was written would survive a power cut.
    func sync() throws(SpoolProblem) {
        try Self.check("fdatasync", path, fdatasync(descriptor))
        guard !isNameSynced else { return }
        try SpoolDirectory.sync(of: path)
        isNameSynced = true
    }

    /// Nothing of it is needed any more.
    func clear() throws(SpoolProblem) {
        try Self.check("ftruncate", path, ftruncate(descriptor, 0))
        size = 0
    }

    /// Leaves only these stretches of it, in order: written beside, synced and moved into place.
    ///
    /// After an error the file is as it was before. Whether the new one is found after a power cut only ``sync()``
    /// says: what can fail once it has the name must not leave anybody writing to the old one, which has none.
    func keep(_ stretches: [Range<Int>]) throws(SpoolProblem) {
        let fresh = try Self.draft(beside: path)
        var length = 0
        do throws(SpoolProblem) {
            for stretch in stretches {
                for start in stride(from: stretch.lowerBound, to: stretch.upperBound, by: 256 << 10) {
                    let piece = try read(start..<min(start + 256 << 10, stretch.upperBound))
                    try write(piece[...], to: fresh, at: length)
                    length += piece.count
                }
            }
            try Self.check("fdatasync", path, fdatasync(fresh))
            try Self.check("rename", path, unsafe rename(path + SpoolName.draft, path))
        } catch {
            unsafe unlink(path + SpoolName.draft)
            close(fresh)
            throw error
        }
        close(descriptor)
        descriptor = fresh
        size = length
        isNameSynced = false
    }

    private func read(_ range: Range<Int>) throws(SpoolProblem) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: range.count)
        while bytes.count < range.count {
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe pread(
                    descriptor, $0.baseAddress, range.count - bytes.count, range.lowerBound + bytes.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw SpoolProblem(path: path, call: "read", number: count == 0 ? EIO : errno)
            }
            bytes.append(contentsOf: buffer[..<count])
        }
        return bytes
    }

    // MARK: The end

    func remove() throws(SpoolProblem) {
        unsafe unlink(path + SpoolName.draft)
        try Self.check("unlink", path, unsafe unlink(path))
    }

    /// Puts it aside for a person.
    func putAside() throws(SpoolProblem) {
        try Self.check("rename", path, unsafe rename(path, path + SpoolName.damaged))
    }

    @discardableResult
    private static func check(_ call: String, _ path: String, _ status: CInt) throws(SpoolProblem) -> CInt {
        guard status < 0 else { return status }
        throw SpoolProblem(path: path, call: call, number: errno)
    }
}
