import Glibc
package import Redis

/// A server that says what it is told to say, whatever it is asked: for bytes that a real Redis never sends.
///
/// It greets each connection politely (`+PONG` to the first bytes that come), then sends the script's pieces in
/// answer to whatever comes next, one piece after the other.
package final class ScriptedPeer: Sendable {
    package enum Step: Sendable {
        case send([UInt8])
        /// Waits, to have what follows arrive apart.
        case pause(Duration)
        /// Waits for the client to have sent so many bytes since the greeting.
        case receive(Int)
        /// Closes the connection. Without it, the peer stays silent at the end.
        case hangUp
    }

    private let directory = ScratchDirectory()
    private let listener: RawSocket

    /// - Parameters:
    ///   - greeting: the answer to the first bytes that come.
    ///   - script: what follows, at the next bytes that come.
    package init(greeting: String = "+PONG\r\n", _ script: [Step]) {
        listener = RawSocket.listen(on: directory.file("peer.sock"))
        Self.onThread { [listener] in
            while let peer = listener.accept() {
                Self.onThread { Self.play(script, greeting, to: peer) }
            }
        }
    }

    package convenience init(_ text: String, hangUp: Bool = false) {
        self.init([.send(Array(text.utf8))] + (hangUp ? [.hangUp] : []))
    }

    deinit { listener.shutDown() }

    package var endpoint: RedisEndpoint { RedisEndpoint(.unix(path: directory.file("peer.sock"))) }

    private static func play(_ script: [Step], _ greeting: String, to peer: RawSocket) {
        guard !peer.read(atMost: 65_536).isEmpty, peer.write(greeting.utf8) else { return }
        var received = peer.read(atMost: 65_536).count
        guard received > 0 else { return }
        for step in script {
            switch step {
            case .send(let bytes): if !peer.write(bytes) { return }
            case .pause(let time): usleep(UInt32(time / .microseconds(1)))
            case .receive(let count):
                while received < count {
                    let more = peer.read(atMost: 65_536).count
                    if more == 0 { return }
                    received += more
                }
            case .hangUp: return
            }
        }
        while !peer.read(atMost: 65_536).isEmpty {}
    }

    private static func onThread(_ body: @escaping @Sendable () -> Void) {
        final class Box: Sendable {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var thread = pthread_t()
        unsafe pthread_create(
            &thread, nil,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body()
                return nil
            }, Unmanaged.passRetained(Box(body)).toOpaque())
        pthread_detach(thread)
    }
}
