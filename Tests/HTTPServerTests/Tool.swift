import Glibc

/// Programs of the system that are better clients than ours.
///
/// Started by `posix_spawn`: Foundation's `Process` reads past a directory entry, which the address sanitizer
/// takes amiss.
enum Tool {
    struct Failure: Error {
        let number: CInt
    }

    static func exists(_ name: String) -> Bool { unsafe access("/usr/bin/\(name)", X_OK) == 0 }

    static func run(_ name: String, _ arguments: String...) throws -> String {
        try run(name, arguments, input: "")
    }

    /// What the tool prints on both outputs, after it has ended.
    static func run(_ name: String, _ arguments: [String], input: String) throws -> String {
        let stdin = try file(holding: Array(input.utf8))
        defer { close(stdin) }
        var ends: [CInt] = [0, 0]
        guard unsafe pipe(&ends) == 0 else { throw Failure(number: errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }

        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, stdin, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
        var words = unsafe ([name] + arguments).map { unsafe strdup($0) } + [nil]
        defer { unsafe words.forEach { unsafe free($0) } }
        var pid: pid_t = 0
        let status = unsafe posix_spawn(&pid, "/usr/bin/\(name)", &actions, nil, &words, nil)
        _ = close(ends[1])
        guard status == 0 else { throw Failure(number: status) }

        var output: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 * 1024)
        while case let count = unsafe read(ends[0], &piece, piece.count), count > 0 {
            output += piece[..<count]
        }
        waitpid(pid, nil, 0)
        return String(decoding: output, as: UTF8.self)
    }

    /// A file without a name, at its beginning.
    private static func file(holding bytes: [UInt8]) throws -> CInt {
        var name = "/tmp/headway-XXXXXX".utf8CString.map { $0 }
        let descriptor = unsafe mkstemp(&name)
        guard descriptor >= 0 else { throw Failure(number: errno) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        unsafe unlink(name)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw Failure(number: errno) }
            rest = rest.dropFirst(count)
        }
        lseek(descriptor, 0, SEEK_SET)
        return descriptor
    }
}
