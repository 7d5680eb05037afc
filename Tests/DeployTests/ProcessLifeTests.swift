import Testing

/// Fixtures/life.py: real processes under a service manager in small.
@Suite("Process life", .serialized, .timeLimit(.minutes(15)))
struct ProcessLifeTests {
    @Test("50 restarts of API and aggregators under load: no poll fails, and what was said is counted")
    func rolling() async throws { try await Checks.run("life", "rolling", "50") }

    @Test("a stop takes half a second, with open streams, a long poll and connections without a word")
    func stopping() async throws { try await Checks.run("life", "stopping") }

    @Test("the service manager hears READY, STATUS, WATCHDOG and STOPPING; one that cannot hear is said")
    func notify() async throws { try await Checks.run("life", "notify") }

    @Test("when the thread that works hangs, the watchdog starves and /healthz says so, whatever else moves")
    func stuck() async throws { try await Checks.run("life", "stuck") }

    @Test("while Redis is frozen or gone nobody is called stuck, and an aggregator is not ready")
    func outage() async throws { try await Checks.run("life", "outage") }

    @Test("--listen fd:3 serves on the socket that it is given, and says what is wrong with another")
    func inherited() async throws { try await Checks.run("life", "inherited") }
}
