import Glibc

/// Why a server does not listen. ``description`` says what to do about it.
package struct HTTPServerError: Error, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// Another socket has the address (`EADDRINUSE`).
        case addressInUse
        /// The address is not this machine's (`EADDRNOTAVAIL`).
        case addressNotAvailable
        /// A port below 1024, or forbidden by policy (`EACCES`, `EPERM`).
        case notPermitted
        /// The host is no address and names none, or the port is outside 0…65535.
        case invalidAddress
        /// The process has no descriptor left (`EMFILE`, `ENFILE`).
        case outOfDescriptors
        /// The descriptor is no listening stream socket.
        case notListening
        /// The server was drained; a drained server does not listen again.
        case drained
        /// Anything else; the description has the system's word for it.
        case failed
    }

    package let code: Code
    package let description: String

    package init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    /// What `errno` means for an attempt to listen on `place`, for example `127.0.0.1:8080`.
    static func listening(on place: String, errno number: CInt) -> HTTPServerError {
        switch number {
        case EADDRINUSE:
            HTTPServerError(
                .addressInUse,
                "cannot listen on \(place): the address is in use; stop the program that has it "
                    + "(`ss -ltnp` names it) or choose another port (0 picks a free one)")
        case EADDRNOTAVAIL:
            HTTPServerError(
                .addressNotAvailable,
                "cannot listen on \(place): this machine has no such address (`ip address` lists them; "
                    + "0.0.0.0 is all of them)")
        case EACCES, EPERM:
            HTTPServerError(
                .notPermitted,
                "cannot listen on \(place): not permitted; choose a port from 1024 up, or inherit the "
                    + "socket from the service manager")
        case EMFILE, ENFILE:
            HTTPServerError(
                .outOfDescriptors,
                "cannot listen on \(place): no file descriptor left; raise the limit (`ulimit -n`)")
        default:
            HTTPServerError(.failed, "cannot listen on \(place): \(systemText(of: number))")
        }
    }

    static func systemText(of number: CInt) -> String {
        guard let text = unsafe strerror(number) else { return "error \(number)" }
        return unsafe String(cString: text)
    }
}
