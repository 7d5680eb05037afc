import Glibc

/// A new empty directory that goes away, with all that is in it, when the last reference does.
///
/// Its path is short (`/tmp/hw-XXXXXX`), so that a unix socket in it fits into its 107 bytes.
package final class ScratchDirectory: Sendable {
    package let path: String

    package init() {
        var template = Array("/tmp/hw-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else {
            fatalError("cannot make a directory in /tmp: \(unsafe String(cString: strerror(errno)))")
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Self.remove(path) }

    package func file(_ name: String) -> String { "\(path)/\(name)" }

    private static func remove(_ path: String) {
        if let directory = unsafe opendir(path) {
            while let entry = unsafe readdir(directory) {
                let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) {
                    unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name == "." || name == ".." { continue }
                let child = "\(path)/\(name)"
                if unsafe unlink(child) != 0 { remove(child) }
            }
            unsafe closedir(directory)
        }
        unsafe rmdir(path)
    }
}
