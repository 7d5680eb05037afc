import Glibc

/// Holds a state directory for one process. The kernel lets go of it whatever that process dies of.
final class StateLock: Sendable {
    private let descriptor: CInt

    /// - Throws: when another process holds it, with that process' id.
    init(_ directory: StateDirectory) throws(Failure) {
        let path = directory.lockFile
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure("cannot open \(path): \(SystemText.of(errno))") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = (try? FileAccess.read(path)).map { String(decoding: $0, as: UTF8.self) } ?? ""
            let pid = Int(holder.filter(\.isNumber)).map { " (process \($0))" } ?? ""
            close(descriptor)
            throw Failure(
                "another headway\(pid) runs on \(directory.path); use that one, stop it, or give --state DIR")
        }
        ftruncate(descriptor, 0)
        Terminal.write("\(getpid())\n", to: descriptor)
    }

    deinit { close(descriptor) }
}
