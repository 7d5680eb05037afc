import Glibc

/// This very binary, for starting it again as another process.
enum OwnProgram {
    static var path: String {
        FileAccess.realPath("/proc/self/exe") ?? CommandLine.arguments.first ?? "headway"
    }

    /// `host-1234`: unique among living processes of this machine.
    static var instance: String {
        var name = [CChar](repeating: 0, count: 256)
        unsafe gethostname(&name, name.count - 1)
        let host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return "\(host.isEmpty ? "headway" : host)-\(getpid())"
    }
}
