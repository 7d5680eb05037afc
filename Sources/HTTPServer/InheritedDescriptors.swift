import Glibc

extension HTTPServer {
    /// The listening sockets that the service manager handed to this process (`LISTEN_PID`, `LISTEN_FDS`), by
    /// descriptor from 3 up; empty without any.
    package static func inheritedDescriptors() -> [CInt] {
        func value(_ name: String) -> String? {
            guard let text = unsafe getenv(name) else { return nil }
            return unsafe String(cString: text)
        }
        return inheritedDescriptors(
            listenPID: value("LISTEN_PID"), listenFDS: value("LISTEN_FDS"), pid: getpid())
    }

    /// - Returns: nothing when the variables are for another process: a child inherits its parent's.
    static func inheritedDescriptors(listenPID: String?, listenFDS: String?, pid: pid_t) -> [CInt] {
        guard let listenPID, pid_t(listenPID) == pid, let listenFDS, let count = CInt(listenFDS),
            1...1024 ~= count
        else { return [] }
        return Array(3..<(3 + count))
    }
}
