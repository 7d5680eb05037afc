import EventLoop
import Dispatch
import Synchronization
import TestSupport

/// Stands between a publisher and Redis, and can cut a connection after a command was executed but before its
/// reply comes through.
final class CuttingProxy: Sendable {
    private let directory = ScratchDirectory()
    private let listener: RawSocket
    private let target: String
    /// Bytes towards Redis that still go through with their replies; then one more piece goes through without.
    private let cutAfter = Mutex<Int?>(nil)
    private let cutCount = Atomic(0)

    init(to target: String) {
        self.target = target
        listener = RawSocket.listen(on: directory.file("proxy.sock"))
        Self.onThread { [self] in
            while let near = listener.accept() {
                guard let far = RawSocket.connect(to: target) else { continue }
                let isCut = Flag()
                Self.onThread { self.forward(near, far, isCut) }
                Self.onThread { Self.backward(far, near, isCut) }
            }
        }
    }

    var url: String { "unix://\(directory.file("proxy.sock"))" }
    var cuts: Int { cutCount.load(ordering: .relaxed) }

    /// After so many more bytes towards Redis, executes one more piece and keeps its reply to itself.
    func cut(after bytes: Int) { cutAfter.withLock { $0 = bytes } }

    func shutDown() { listener.shutDown() }

    private func forward(_ near: RawSocket, _ far: RawSocket, _ isCut: Flag) {
        while true {
            let piece = near.read(atMost: 65_536, within: .seconds(60))
            if piece.isEmpty { return far.shutDown() }
            let cuts = cutAfter.withLock { left in
                guard let bytes = left else { return false }
                left = bytes > piece.count ? bytes - piece.count : nil
                return left == nil
            }
            if cuts {
                isCut.raise()
                cutCount.add(1, ordering: .relaxed)
            }
            far.write(piece)
            guard cuts else { continue }
            // Time for Redis to execute it.
            _ = near.read(atMost: 1, within: .milliseconds(30))
            near.shutDown()
            return far.shutDown()
        }
    }

    private static func backward(_ far: RawSocket, _ near: RawSocket, _ isCut: Flag) {
        while true {
            let piece = far.read(atMost: 65_536, within: .seconds(60))
            if piece.isEmpty { return near.shutDown() }
            if !isCut.isRaised { near.write(piece) }
        }
    }

    private final class Flag: Sendable {
        private let value = Atomic(false)
        var isRaised: Bool { value.load(ordering: .acquiring) }
        func raise() { value.store(true, ordering: .releasing) }
    }

    private static func onThread(_ body: @escaping @Sendable () -> Void) {
        DispatchQueue(label: "proxy").async(execute: body)
    }
}
