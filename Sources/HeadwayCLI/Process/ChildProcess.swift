import CGlibc
import Glibc

/// A program that was started: with what as its input and output, and in whose session.
struct ChildProcess: Sendable {
    let pid: pid_t

    /// A descriptor of ours that becomes the child's 0, 1 or 2.
    enum Stream: Sendable {
        case inherited
        case null
        case descriptor(CInt)
        case appending(path: String)
    }

    struct Plan: Sendable {
        var arguments: [String]
        var environment: [String: String]
        var input = Stream.null
        var output = Stream.inherited
        var error = Stream.inherited
        /// A session of its own: a ^C on our terminal does not reach it.
        var hasOwnSession = false
        /// As ours unless given.
        var directory: String?
    }

    struct Problem: Error, Equatable, CustomStringConvertible {
        let program: String
        let number: CInt

        var isMissing: Bool { number == ENOENT }
        var description: String {
            "cannot start \(Printable.line(program, limit: 200)): \(SystemText.of(number))"
        }
    }

    /// Starts it, looked up in `PATH`. It gets no descriptor of ours but these three, and default signals.
    static func start(_ plan: Plan) throws(Problem) -> ChildProcess {
        let program = plan.arguments.first ?? ""
        var files = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&files)
        defer { unsafe posix_spawn_file_actions_destroy(&files) }
        for (number, stream) in [(CInt(0), plan.input), (1, plan.output), (2, plan.error)] {
            switch stream {
            case .inherited: break
            case .null: unsafe posix_spawn_file_actions_addopen(&files, number, "/dev/null", O_RDWR, 0)
            case .descriptor(let ours): unsafe posix_spawn_file_actions_adddup2(&files, ours, number)
            case .appending(let path):
                unsafe posix_spawn_file_actions_addopen(
                    &files, number, path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
            }
        }
        if let directory = plan.directory { unsafe posix_spawn_file_actions_addchdir_np(&files, directory) }
        unsafe posix_spawn_file_actions_addclosefrom_np(&files, 3)

        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        unsafe sigfillset(&signals)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        var flags = Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF)
        if plan.hasOwnSession { flags |= spawn_setsid }
        unsafe posix_spawnattr_setflags(&attributes, flags)

        let arguments = unsafe CStrings(plan.arguments)
        let variables = unsafe CStrings(plan.environment.map { "\($0)=\($1)" })
        defer {
            unsafe arguments.free()
            unsafe variables.free()
        }
        var pid: pid_t = 0
        let status = unsafe posix_spawnp(
            &pid, program, &files, &attributes, arguments.pointers, variables.pointers)
        guard status == 0 else { throw Problem(program: program, number: status) }
        return ChildProcess(pid: pid)
    }

    func signal(_ number: CInt) { kill(pid, number) }

    /// How it ended; nil while it runs. Asks once and reaps: only one party may ask.
    func poll() -> Ending? {
        var status: CInt = 0
        let answer = unsafe waitpid(pid, &status, WNOHANG)
        if answer == 0 || answer < 0 && errno == EINTR { return nil }
        return answer < 0 ? .exited(0) : Ending(status: status)
    }

    /// What `waitpid` says.
    enum Ending: Sendable, Equatable, CustomStringConvertible {
        case exited(CInt)
        case killed(signal: CInt)

        init(status: CInt) {
            let signal = status & 0x7f
            self = signal == 0 ? .exited(status >> 8 & 0xff) : .killed(signal: signal)
        }

        /// As a shell gives it: 128 + n for a signal.
        var code: CInt {
            switch self {
            case .exited(let code): code
            case .killed(let signal): 128 + signal
            }
        }

        var description: String {
            switch self {
            case .exited(let code): "exited with \(code)"
            case .killed(let signal): "killed by \(SignalName.of(signal))"
            }
        }
    }
}

/// `SIGKILL` for 9.
enum SignalName {
    static func of(_ number: CInt) -> String {
        switch number {
        case SIGHUP: "SIGHUP"
        case SIGINT: "SIGINT"
        case SIGQUIT: "SIGQUIT"
        case SIGILL: "SIGILL"
        case SIGABRT: "SIGABRT"
        case SIGFPE: "SIGFPE"
        case SIGKILL: "SIGKILL"
        case SIGBUS: "SIGBUS"
        case SIGSEGV: "SIGSEGV"
        case SIGPIPE: "SIGPIPE"
        case SIGALRM: "SIGALRM"
        case SIGTERM: "SIGTERM"
        case SIGUSR1: "SIGUSR1"
        case SIGUSR2: "SIGUSR2"
        case SIGXCPU: "SIGXCPU"
        default: "signal \(number)"
        }
    }
}
