extension HTTPResponse {
    /// An error as RFC 9457 problem details: `application/problem+json`.
    ///
    /// - Parameters:
    ///   - detail: a sentence for a human; must not hold secrets.
    ///   - type: a URI that names the kind of problem.
    package static func problem(
        _ status: Int, _ detail: String, type: String = "about:blank", headers: [(String, String)] = []
    ) -> HTTPResponse {
        var json = #"{"type":"#.utf8 + [UInt8]()
        appendJSON(type, to: &json)
        json += #","title":"#.utf8
        appendJSON(reason(for: status), to: &json)
        json += #","status":\#(status),"detail":"#.utf8
        appendJSON(detail, to: &json)
        json += "}\n".utf8
        return HTTPResponse(status: status, type: "application/problem+json", json, headers: headers)
    }

    static func appendJSON(_ text: String, to json: inout [UInt8]) {
        json.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): json += [UInt8(ascii: "\\"), byte]
            case 0..<0x20:
                let hex = String(byte, radix: 16)
                json += "\(hex.utf8.count == 1 ? "\\u000" : "\\u00")\(hex)".utf8
            default: json.append(byte)
            }
        }
        json.append(UInt8(ascii: "\""))
    }

    /// The reason phrase: RFC 9110, and 429 and 431 of RFC 6585.
    static func reason(for status: Int) -> String {
        switch status {
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 411: "Length Required"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 422: "Unprocessable Content"
        case 428: "Precondition Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        case 200..<300: "Success"
        case 300..<400: "Redirection"
        case 400..<500: "Client Error"
        default: "Server Error"
        }
    }
}
