import EventLoop
import Glibc
import Testing

@testable import HTTPServer

@Suite("HTTPServer's listening", .timeLimit(.minutes(1)))
struct ListeningTests {
    @Test("a port in use is an error that says what to do")
    func inUse() async throws {
        try await withServer { server, port in
            let error = await #expect(throws: HTTPServerError.self) {
                try await server.listen(host: "127.0.0.1", port: port)
            }
            #expect(error?.code == .addressInUse)
            #expect(
                error?.description
                    == "cannot listen on 127.0.0.1:\(port): the address is in use; stop the program that has it "
                    + "(`ss -ltnp` names it) or choose another port (0 picks a free one)")
        }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String { "\(host):\(port)" }
        let host: String
        let port: Int
        let code: HTTPServerError.Code
    }

    static let impossible: [Case] = [
        Case(host: "192.0.2.1", port: 0, code: .addressNotAvailable),
        Case(host: "127.0.0.1", port: 65536, code: .invalidAddress),
        Case(host: "127.0.0.1", port: -1, code: .invalidAddress),
        Case(host: "not an address", port: 80, code: .invalidAddress),
    ]

    @Test("an impossible address is an error of its own kind", arguments: impossible)
    func fails(_ c: Case) async throws {
        try await withServer { server, _ in
            let error = await #expect(throws: HTTPServerError.self) {
                try await server.listen(host: c.host, port: c.port)
            }
            #expect(error?.code == c.code)
            #expect(error?.description.hasPrefix("cannot listen on \(c.host):\(c.port): ") == true)
        }
    }

    @Test("not being permitted says so")
    func notPermitted() {
        let error = HTTPServerError.listening(on: "0.0.0.0:80", errno: EACCES)
        #expect(error.code == .notPermitted)
        #expect(error.description.contains("1024"))
    }

    @Test("one server listens on several addresses")
    func several() async throws {
        try await withServer { server, port in
            let second = try await server.listen(host: "localhost", port: 0)
            for port in [port, second] {
                let client = try RawClient(port: port)
                client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(try client.response().status == 200)
            }
        }
    }

    @Test("an inherited socket is served, and outlives the server with its queue", .timeLimit(.minutes(1)))
    func inherited() async throws {
        let (descriptor, port) = try RawListener.open()
        defer { close(descriptor) }
        let loop = EventLoop(name: "http")
        let first = HTTPServer(on: loop) { _ in .text("first") }
        #expect(try await first.listen(inherited: descriptor) == port)
        let client = try RawClient(port: port)
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try client.response().body == "first")
        await first.drain(within: .seconds(5))

        // Between two servers: the kernel takes the connection, and it waits.
        let between = try RawClient(port: port)
        between.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        let second = HTTPServer(on: loop) { _ in .text("second") }
        #expect(try await second.listen(inherited: descriptor) == port)
        #expect(try between.response().body == "second")
        await second.drain(within: .zero)
        await loop.stop()
    }

    @Test("what is no listening socket is refused", arguments: [0, 9999])
    func notListening(descriptor: CInt) async throws {
        try await withServer { server, _ in
            let error = await #expect(throws: HTTPServerError.self) {
                try await server.listen(inherited: descriptor)
            }
            #expect(error?.code == .notListening)
        }
    }

    @Test("inherited descriptors are those that were meant for this process")
    func descriptors() {
        #expect(HTTPServer.inheritedDescriptors(listenPID: "7", listenFDS: "2", pid: 7) == [3, 4])
        #expect(HTTPServer.inheritedDescriptors(listenPID: "7", listenFDS: "2", pid: 8).isEmpty)
        #expect(HTTPServer.inheritedDescriptors(listenPID: nil, listenFDS: "2", pid: 7).isEmpty)
        #expect(HTTPServer.inheritedDescriptors(listenPID: "7", listenFDS: "-1", pid: 7).isEmpty)
        #expect(HTTPServer.inheritedDescriptors(listenPID: "7", listenFDS: "x", pid: 7).isEmpty)
        #expect(HTTPServer.inheritedDescriptors().isEmpty)
    }
}

/// A listening socket as a service manager opens it.
enum RawListener {
    static func open() throws -> (descriptor: CInt, port: Int) {
        let socket = try ListeningSocket(host: "127.0.0.1", port: 0)
        let port = socket.port
        return (socket.take(), port)
    }
}
