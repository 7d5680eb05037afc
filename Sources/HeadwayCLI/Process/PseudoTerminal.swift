import CGlibc
import Glibc

/// A terminal for a program whose output we read: it writes line by line, in colours, at the width of the window, as it
/// would without us in between. Into a pipe most programs write by the block, and their progress comes at the end.
struct PseudoTerminal: Sendable {
    /// What the program writes comes out here; ends with an error, not with an end, when all have closed it.
    let reading: CInt
    /// For the program.
    let writing: CInt

    /// - Parameter terminal: whose size it takes.
    /// - Returns: nil where the system gives none; a pipe will do.
    static func open(like terminal: CInt) -> PseudoTerminal? {
        let reading = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard reading >= 0 else { return nil }
        var name = [CChar](repeating: 0, count: 128)
        guard grantpt(reading) == 0, unlockpt(reading) == 0,
            unsafe ptsname_r(reading, &name, name.count) == 0
        else {
            close(reading)
            return nil
        }
        let writing = unsafe Glibc.open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard writing >= 0 else {
            close(reading)
            return nil
        }
        // Bytes come out as they went in: what becomes of a line's end is for the real terminal to say.
        var modes = termios()
        if unsafe tcgetattr(writing, &modes) == 0 {
            modes.c_oflag &= ~tcflag_t(OPOST)
            unsafe tcsetattr(writing, TCSANOW, &modes)
        }
        let pair = PseudoTerminal(reading: reading, writing: writing)
        pair.resize(like: terminal)
        return pair
    }

    /// Gives it the size that the real one has now.
    func resize(like terminal: CInt) {
        var size = winsize()
        guard unsafe ioctl(terminal, UInt(TIOCGWINSZ), &size) == 0 else { return }
        _ = unsafe ioctl(reading, UInt(TIOCSWINSZ), &size)
    }
}
