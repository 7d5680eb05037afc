import Glibc

/// What standard output is: a screen with a width and colours, or a file.
struct Terminal: Sendable {
    /// Standard output is a screen, so bars may move.
    let isLive: Bool
    let hasColour: Bool
    let hasUnicode: Bool

    init(isLive: Bool, hasColour: Bool, hasUnicode: Bool) {
        self.isLive = isLive
        self.hasColour = hasColour
        self.hasUnicode = hasUnicode
    }

    /// `NO_COLOR` (no-color.org) and `TERM=dumb` are respected; without a UTF-8 locale bars are ASCII on a screen.
    init(environment: [String: String]) {
        let isScreen = isatty(STDOUT_FILENO) == 1
        let isDumb = environment["TERM"] == "dumb"
        let noColour = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
        let locale =
            ["LC_ALL", "LC_CTYPE", "LANG"].compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        let plain = locale.lowercased().filter { $0 != "-" }
        self.init(
            isLive: isScreen && !isDumb, hasColour: isScreen && !isDumb && !noColour,
            hasUnicode: !isScreen || plain.contains("utf8"))
    }

    /// Columns now; asked again before each painting, so that a resized window is used at once.
    var width: Int {
        var size = winsize()
        let known = unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        return known ? max(20, Int(size.ws_col)) : 80
    }

    var height: Int {
        var size = winsize()
        let known = unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_row > 0
        return known ? max(4, Int(size.ws_row)) : 24
    }

    /// Writes all of it; what cannot be written (a closed pipe) is dropped.
    static func write(_ text: String, to descriptor: CInt) { write(Array(text.utf8), to: descriptor) }

    static func write(_ bytes: [UInt8], to descriptor: CInt) {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress?.advanced(by: sent), bytes.count - sent)
            }
            if count > 0 {
                sent += count
            } else if errno == EAGAIN {
                var place = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                unsafe poll(&place, 1, 1000)
            } else if errno != EINTR {
                return
            }
        }
    }

    static func say(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }
}
