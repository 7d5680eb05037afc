/// URLs of Redis servers, as options and other processes get them.
enum RedisURL {
    static let usual = "redis://127.0.0.1:6379"

    static func unix(_ path: String) -> String {
        var text = "unix://"
        for byte in path.utf8 {
            switch byte {
            case 48...57, 65...90, 97...122: text.unicodeScalars.append(UnicodeScalar(byte))
            case 45, 46, 47, 95, 126: text.unicodeScalars.append(UnicodeScalar(byte))  // - . / _ ~
            default:
                let hex = String(byte, radix: 16, uppercase: true)
                text += "%\(hex.count < 2 ? "0" : "")\(hex)"
            }
        }
        return text
    }
}
