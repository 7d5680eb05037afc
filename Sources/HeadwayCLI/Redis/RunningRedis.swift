import Glibc

/// The `redis-server` that works in a directory, found by what the kernel knows of it: no pid file can lie or be
/// missing because somebody crashed before writing it.
enum RunningRedis {
    /// - Returns: its process id; nil when there is none.
    static func pid(in directory: StateDirectory) -> pid_t? {
        let entries = (try? FileAccess.names(in: "/proc")) ?? []
        return entries.lazy.compactMap { pid_t($0) }.first { isRedis($0, in: directory.path) }
    }

    static func isRedis(_ pid: pid_t, in directory: String) -> Bool {
        guard FileAccess.realPath("/proc/\(pid)/cwd") == directory else { return false }
        guard let name = try? FileAccess.read("/proc/\(pid)/comm") else { return false }
        return String(decoding: name, as: UTF8.self).hasPrefix("redis-server")
    }
}
