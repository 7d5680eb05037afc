import EventLoop
import Glibc
import Synchronization

/// A program started by a test. It ends with the test: at the latest the kernel kills it when this process is gone.
package final class ChildProcess: Sendable {
    package let pid: Int32
    private let status = Mutex<CInt?>(nil)

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// Children get a signal when the *thread* that made them ends, so one that never ends makes them all.
    private static let maker = EventLoop(name: "spawner")

    /// Held while a child is made, which inherits every descriptor that is not marked by then.
    static let making = Mutex(())

    private init(pid: Int32) { self.pid = pid }

    deinit { kill() }

    /// - Parameters:
    ///   - arguments: the program first, looked for in `PATH`.
    ///   - output: the file that standard output and error are appended to; `/dev/null` unless given.
    package static func start(_ arguments: [String], output: String = "/dev/null") async throws
        -> ChildProcess
    {
        let made = await withCheckedContinuation { continuation in
            maker.submit { continuation.resume(returning: spawn(arguments, output)) }
        }
        return try ChildProcess(pid: made.get())
    }

    package func signal(_ number: CInt) {
        status.withLock { if $0 == nil { _ = Glibc.kill(pid, number) } }
    }

    /// Kills it at once, and waits until it is gone.
    package func kill() {
        signal(SIGKILL)
        while isRunning { usleep(1_000) }
    }

    package var isRunning: Bool { exitStatus == nil }

    /// As `waitpid` gives it; nil while it runs.
    package var exitStatus: CInt? {
        status.withLock { known in
            if known != nil { return known }
            var found: CInt = 0
            if unsafe waitpid(pid, &found, WNOHANG) == pid { known = found }
            return known
        }
    }

    private static func spawn(_ arguments: [String], _ output: String) -> Result<Int32, Failure> {
        let all = ["setpriv", "--pdeathsig", "KILL", "--"] + arguments
        var pointers: [UnsafeMutablePointer<CChar>?] = unsafe all.map { unsafe strdup($0) } + [nil]
        defer { unsafe pointers.forEach { unsafe free($0) } }
        var files = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&files)
        defer { unsafe posix_spawn_file_actions_destroy(&files) }
        unsafe posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&files, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        unsafe posix_spawn_file_actions_adddup2(&files, 1, 2)
        var pid: Int32 = 0
        let status = making.withLock { _ in
            unsafe posix_spawnp(&pid, "setpriv", &files, nil, &pointers, environ)
        }
        guard status == 0 else {
            let reason = unsafe String(cString: strerror(status))
            return .failure(
                Failure(description: "cannot start \(arguments.first ?? "nothing") by setpriv: \(reason)"))
        }
        return .success(pid)
    }
}
