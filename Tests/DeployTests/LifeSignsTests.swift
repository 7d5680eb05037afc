import Testing

@testable import HeadwayCLI

@Suite("LifeSigns")
struct LifeSignsTests {
    @Test("what moves at every look is well, however slowly")
    func moving() {
        var signs = LifeSigns(at: .zero)
        for second in 1...100 {
            signs.look(["a": Int64(second), "b": Int64(second / 10)], at: .seconds(second))
            #expect(signs.stuck(at: .seconds(second)) == [])
        }
    }

    @Test("what stands still for longer than the patience is named, until it moves again")
    func still() {
        var signs = LifeSigns(at: .zero)
        for second in 1...16 { signs.look(["a": Int64(second), "b": 7], at: .seconds(second)) }
        #expect(signs.stuck(at: .seconds(16)) == [])
        signs.look(["a": 17, "b": 7], at: .seconds(17))
        #expect(signs.stuck(at: .seconds(17)) == ["b"])
        signs.look(["a": 18, "b": 8], at: .seconds(18))
        #expect(signs.stuck(at: .seconds(18)) == [])
    }

    @Test("a part that is not told of any more stands still")
    func missing() {
        var signs = LifeSigns(at: .zero)
        signs.look(["a": 1, "b": 1], at: .seconds(1))
        for second in 2...17 { signs.look(["a": Int64(second)], at: .seconds(second)) }
        #expect(signs.stuck(at: .seconds(17)) == ["b"])
    }

    @Test("a look that does not end is no sign of life, with and without parts")
    func noLook() {
        var signs = LifeSigns(at: .zero)
        #expect(signs.stuck(at: .seconds(15)) == [])
        #expect(signs.stuck(at: .seconds(16)) == ["the look itself"])
        signs.look(["a": 1], at: .seconds(16))
        #expect(signs.stuck(at: .seconds(32)) == ["a"])
    }

    @Test("the patience is half of the watchdog, and never longer than usual")
    func patience() {
        #expect(LifeSigns(at: .zero, watchdog: .seconds(4)).patience == .seconds(2))
        #expect(LifeSigns(at: .zero, watchdog: .seconds(4)).pause == .milliseconds(500))
        #expect(LifeSigns(at: .zero, watchdog: .seconds(600)).patience == .seconds(15))
        #expect(LifeSigns(at: .zero).pause == .seconds(1))
    }
}

@Suite("ServiceManager")
struct ServiceManagerTests {
    @Test("without NOTIFY_SOCKET nobody wants to hear anything")
    func nobody() throws {
        #expect(try ServiceManager.of([:]) == nil)
        #expect(try ServiceManager.of(["NOTIFY_SOCKET": "", "WATCHDOG_USEC": "1"]) == nil)
    }

    @Test("a path and an abstract name are taken, with a watchdog that is for this process")
    func taken() throws {
        for socket in ["/run/systemd/notify", "@/org/freedesktop/systemd1/notify"] {
            let manager = try ServiceManager.of(
                ["NOTIFY_SOCKET": socket, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "42"], pid: 42)
            #expect(manager == ServiceManager(socket: socket, watchdog: .seconds(30)))
            let child = try ServiceManager.of(
                ["NOTIFY_SOCKET": socket, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "42"], pid: 43)
            #expect(child == ServiceManager(socket: socket, watchdog: nil))
        }
    }

    @Test(
        "what cannot be a socket is said",
        arguments: ["notify", "vsock:2:1234", "/", "@", "/" + String(repeating: "x", count: 107)])
    func refused(socket: String) {
        #expect(throws: ServiceManager.Problem.self) { try ServiceManager.of(["NOTIFY_SOCKET": socket]) }
    }

    @Test("a watchdog that is no number is said", arguments: ["", "soon", "-1", "0", "99999999999999999999"])
    func watchdog(text: String) {
        #expect(throws: ServiceManager.Problem.self) {
            try ServiceManager.of(["NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": text])
        }
    }

    @Test("a status is one line, whatever is in it")
    func status() {
        #expect(!ServiceManager.Word.status("a\nREADY=1").text.contains("\n"))
    }
}

@Suite("ListenAddress")
struct ListenAddressTests {
    @Test("fd:3 is an inherited socket, and only from 3 on")
    func descriptor() {
        #expect(ListenAddress("fd:3")?.descriptor == 3)
        #expect(ListenAddress("fd:3")?.description == "fd:3")
        #expect(ListenAddress("127.0.0.1:80")?.descriptor == nil)
        for wrong in ["fd:", "fd:2", "fd:-1", "fd:x", "fd:1024", "fd:99999999999"] {
            #expect(ListenAddress(wrong) == nil)
        }
    }
}
