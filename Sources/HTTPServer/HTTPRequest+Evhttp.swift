import CLibevent
import Glibc

extension HTTPRequest {
    /// A copy of what libevent has parsed; the body is moved out of it.
    ///
    /// - Returns: nil when the target does not decode.
    init?(copying request: UnsafeMutablePointer<evhttp_request>, from address: String) {
        guard let method = unsafe Method(request.pointee.type), let uri = unsafe request.pointee.uri,
            let target = unsafe String(validatingCString: uri)
        else { return nil }
        var block = unsafe HeaderBlock(reserving: request.pointee.headers_size)
        var next = unsafe request.pointee.input_headers?.pointee.tqh_first
        while let header = unsafe next {
            if let name = unsafe header.pointee.key, let value = unsafe header.pointee.value {
                unsafe block.append(name: Self.bytes(of: name), value: Self.bytes(of: value))
            }
            unsafe next = header.pointee.next.tqe_next
        }
        unsafe self.init(
            method, target, block: block, body: Self.body(of: request.pointee.input_buffer),
            remoteAddress: address)
    }

    private static func bytes(of text: UnsafeMutablePointer<CChar>) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: text, count: strlen(text))
    }

    private static func body(of buffer: OpaquePointer?) -> [UInt8] {
        let length = unsafe evbuffer_get_length(buffer)
        guard length > 0 else { return [] }
        return unsafe [UInt8](unsafeUninitializedCapacity: length) { bytes, count in
            unsafe count = max(0, Int(evbuffer_remove(buffer, bytes.baseAddress, length)))
        }
    }

    /// What libevent lets through to us; the guard refuses the rest before.
    static let allowedMethods: UInt16 = [
        EVHTTP_REQ_GET, EVHTTP_REQ_HEAD, EVHTTP_REQ_POST, EVHTTP_REQ_PUT, EVHTTP_REQ_DELETE,
        EVHTTP_REQ_OPTIONS, EVHTTP_REQ_PATCH,
    ].reduce(0) { $0 | UInt16($1.rawValue) }
}

extension HTTPRequest.Method {
    init?(_ type: evhttp_cmd_type) {
        switch type {
        case EVHTTP_REQ_GET: self = .get
        case EVHTTP_REQ_HEAD: self = .head
        case EVHTTP_REQ_POST: self = .post
        case EVHTTP_REQ_PUT: self = .put
        case EVHTTP_REQ_DELETE: self = .delete
        case EVHTTP_REQ_OPTIONS: self = .options
        case EVHTTP_REQ_PATCH: self = .patch
        default: return nil
        }
    }
}
