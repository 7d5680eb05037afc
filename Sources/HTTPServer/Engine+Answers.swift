import CLibevent
import EventLoop

/// What all connections of a server share to write their answers.
extension Engine {
    /// Bodies up to this are copied behind the head, so that both leave in one block.
    private static let smallBody = 16 * 1024

    func writeHead(of response: HTTPResponse, to request: RequestHead) -> Bool {
        head.write(response, to: request, isDraining: isDraining, date: dateLine)
    }

    /// Appends what ``writeHead(of:to:)`` wrote, and `body`, to a connection's output.
    func writeAnswer(body: [UInt8], to output: OpaquePointer?) {
        let joins = body.count <= Self.smallBody
        if joins { head.append(body: body) }
        let bytes = head.bytes
        unsafe evbuffer_add(output, bytes, bytes.count)
        if !joins { unsafe evbuffer_add(output, body, body.count) }
    }

    /// The `Date` header for now, to the second.
    static func currentDateLine() -> [UInt8] {
        let text = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
            let length = unsafe evutil_date_rfc1123(text.baseAddress, text.count, nil)
            return unsafe String(
                decoding: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(text)[..<Int(length)]),
                as: UTF8.self)
        }
        return Array("Date: \(text)\r\n".utf8)
    }
}
