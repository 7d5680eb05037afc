import Glibc

/// Where the embedded Redis keeps its files, and where others find it.
struct StateDirectory: Sendable, Equatable {
    /// Absolute, links resolved once it exists.
    let path: String

    /// `--state`, else `$XDG_STATE_HOME/headway`, else `~/.local/state/headway`.
    init(option: String?, environment: [String: String]) throws(Failure) {
        if let option {
            path = Self.absolute(option)
        } else if let base = environment["XDG_STATE_HOME"], base.hasPrefix("/") {
            path = base + "/headway"
        } else if let home = environment["HOME"], home.hasPrefix("/") {
            path = home + "/.local/state/headway"
        } else {
            throw Failure("there is no HOME to keep state in; give --state DIR, or --redis URL")
        }
    }

    init(path: String) { self.path = path }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    var lockFile: String { file("lock") }
    var logFile: String { file("redis.log") }

    /// Made when missing, for this user's eyes only.
    func prepared() throws(Failure) -> StateDirectory {
        do {
            try FileAccess.makeDirectory(path, mode: 0o700)
        } catch {
            throw Failure("cannot make the state directory: \(error)")
        }
        guard unsafe access(path, W_OK) == 0 else {
            throw Failure(
                "the state directory \(path) is not writable: \(SystemText.of(errno)); give --state DIR")
        }
        return StateDirectory(path: FileAccess.realPath(path) ?? path)
    }

    /// The socket stands in the directory, unless its path would be too long for a socket (107 bytes): then under
    /// `/tmp`, in a directory that is this user's alone. Always the same for the same directory.
    func socketPath() throws(Failure) -> String {
        let near = file("redis.sock")
        if near.utf8.count <= 107 { return near }
        let folder = "/tmp/headway-\(getuid())"
        unsafe mkdir(folder, 0o700)
        var info = stat()
        guard unsafe lstat(folder, &info) == 0, info.st_mode & S_IFMT == S_IFDIR, info.st_uid == getuid(),
            info.st_mode & 0o077 == 0
        else {
            throw Failure(
                "\(folder) is not a directory of this user's own, and the path of \(path) is too long for a socket; "
                    + "give a shorter --state DIR")
        }
        let hash = path.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return "\(folder)/\(String(hash, radix: 36)).sock"
    }

    private static func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        guard let here = unsafe getcwd(nil, 0) else { return path }
        defer { unsafe free(here) }
        return unsafe "\(String(cString: here))/\(path)"
    }
}
