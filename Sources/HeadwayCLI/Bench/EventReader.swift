import Glibc

/// The `data:` lines of an event stream, read by blocking calls on a thread of its own until the server ends it.
struct EventReader: Sendable {
    let address: ListenAddress
    let target: String

    func read(_ onData: (String) -> Void) {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_port = in_port_t(UInt16(address.port).bigEndian)
        unsafe inet_pton(AF_INET, address.host, &place.sin_addr)
        let status = unsafe withUnsafePointer(to: &place) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { return }
        Terminal.write(
            "GET \(target) HTTP/1.1\r\nHost: \(address)\r\nAccept: text/event-stream\r\n\r\n", to: descriptor)
        var rest: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
            }
            guard count > 0 else { return }
            rest.append(contentsOf: buffer[..<count])
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: rest[..<end], as: UTF8.self)
                rest.removeSubrange(...end)
                if line.hasPrefix("data:") { onData(line) }
            }
        }
    }
}
