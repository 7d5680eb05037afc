import Glibc
import Synchronization
import Testing

@testable import EventLoop

/// An actor that lives on a loop, as every connection does.
actor Resident {
    let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }
    private(set) var calls = 0

    init(_ loop: EventLoop) { self.loop = loop }

    func isAtHome() -> Bool {
        calls += 1
        return loop.isOnLoop
    }

    func visit(_ other: Resident, times: Int) async -> Bool {
        for _ in 0..<times where !(await other.isAtHome()) || !loop.isOnLoop { return false }
        return true
    }

    func sleepAtHome(_ delay: Duration) async throws -> Bool {
        try await loop.sleep(for: delay)
        return loop.isOnLoop
    }

    nonisolated func countFromC() -> Int {
        assumeIsolated { me in
            me.calls += 1
            return me.calls
        }
    }
}

@Suite("EventLoop", .timeLimit(.minutes(1)))
struct EventLoopTests {
    @Test("an actor that names the loop runs on its thread and never elsewhere")
    func residents() async throws {
        let loop = EventLoop(name: "test")
        let a = Resident(loop)
        let b = Resident(loop)
        #expect(await a.isAtHome())
        #expect(await a.visit(b, times: 1000))
        #expect(try await a.sleepAtHome(.milliseconds(2)))
        #expect(!loop.isOnLoop)
        await loop.stop()
    }

    @Test("a callback on the loop's thread enters a resident without a hop")
    func assumeIsolated() async {
        let loop = EventLoop(name: "test")
        let resident = Resident(loop)
        let count = await withCheckedContinuation { done in
            loop.submit { done.resume(returning: resident.countFromC()) }
        }
        #expect(count == 1)
        await loop.stop()
    }

    @Test("a task that prefers the loop stays on it between its awaits")
    func taskExecutor() async {
        let loop = EventLoop(name: "test")
        let resident = Resident(loop)
        let stayed = await Task(executorPreference: loop) {
            for _ in 0..<100 {
                _ = await resident.isAtHome()
                guard loop.isOnLoop else { return false }
                await Task.yield()
                guard loop.isOnLoop else { return false }
            }
            return true
        }.value
        #expect(stayed)
        await loop.stop()
    }

    @Test("a burst from another thread rings once")
    func oneWakeUpPerBurst() async {
        let loop = EventLoop(name: "test")
        let gate = Gate()
        let ran = Atomic(0)
        loop.submit { gate.wait() }
        while !gate.hasWaiter { await Task.yield() }
        let before = loop.wakeUps.load(ordering: .relaxed)
        for _ in 0..<10_000 { loop.submit { ran.add(1, ordering: .relaxed) } }
        gate.open()
        await withCheckedContinuation { done in loop.submit { done.resume() } }
        #expect(ran.load(ordering: .relaxed) == 10_000)
        #expect(loop.wakeUps.load(ordering: .relaxed) - before <= 2)
        await loop.stop()
    }

    @Test("work is run in the order it was given")
    func order() async {
        let loop = EventLoop(name: "test")
        let seen = Mutex<[Int]>([])
        for number in 0..<5_000 { loop.submit { seen.withLock { $0.append(number) } } }
        await withCheckedContinuation { done in loop.submit { done.resume() } }
        #expect(seen.withLock { $0 } == Array(0..<5_000))
        await loop.stop()
    }

    @Test("a task that never rests starves neither timers nor sockets")
    func fairness() async throws {
        let loop = EventLoop(name: "test")
        let chatter = Task(executorPreference: loop) { while !Task.isCancelled { await Task.yield() } }
        try await Task(executorPreference: loop) { try await loop.sleep(for: .milliseconds(5)) }.value
        var pair: [CInt] = [0, 0]
        unsafe #expect(pipe(&pair) == 0)
        let readEnd = pair[0]
        let heard = await withCheckedContinuation { done in
            loop.submit {
                let watch = Held<LoopWatch>()
                watch.value = loop.onReadable(readEnd) {
                    watch.value?.cancel()
                    watch.value = nil
                    done.resume(returning: true)
                }
            }
            unsafe _ = write(pair[1], "x", 1)
        }
        #expect(heard)
        chatter.cancel()
        await loop.stop()
        close(pair[0])
        close(pair[1])
    }

    @Test("timers fire in order on an injected clock, without waiting")
    func manualClock() async {
        let clock = ManualLoopClock()
        let loop = EventLoop(name: "test", clock: clock)
        let fired = Mutex<[String]>([])
        await withCheckedContinuation { done in
            loop.submit {
                loop.schedule(after: .seconds(3600)) { fired.withLock { $0.append("hour") } }
                loop.schedule(after: .seconds(60)) { fired.withLock { $0.append("minute") } }
                let cancelled = loop.schedule(after: .seconds(30)) { fired.withLock { $0.append("never") } }
                cancelled.cancel()
                done.resume()
            }
        }
        clock.advance(by: .seconds(59))
        await withCheckedContinuation { done in loop.submit { done.resume() } }
        #expect(fired.withLock { $0 } == [])
        clock.advance(by: .seconds(3600))
        await withCheckedContinuation { done in loop.submit { loop.submit { done.resume() } } }
        #expect(fired.withLock { $0 } == ["minute", "hour"])
        await loop.stop()
    }

    @Test("a sleep ends at once when its task is cancelled")
    func cancelledSleep() async {
        let loop = EventLoop(name: "test", clock: ManualLoopClock())
        let sleeper = Task { try await loop.sleep(for: .seconds(1_000_000)) }
        sleeper.cancel()
        await #expect(throws: CancellationError.self) { try await sleeper.value }
        await loop.stop()
    }

    @Test("a signal becomes a callback on the loop's thread")
    func signals() async {
        let loop = EventLoop(name: "test")
        let onLoop = await withCheckedContinuation { done in
            loop.submit {
                let watch = Held<LoopWatch>()
                watch.value = loop.onSignal(SIGUSR2) {
                    watch.value?.cancel()
                    watch.value = nil
                    done.resume(returning: loop.isOnLoop)
                }
                kill(getpid(), SIGUSR2)
            }
        }
        #expect(onLoop)
        await loop.stop()
    }

    @Test("stopping runs what is queued, ends the thread, and may be asked for twice")
    func stopping() async {
        let loop = EventLoop(name: "test")
        let ran = Atomic(0)
        for _ in 0..<100 { loop.submit { ran.add(1, ordering: .relaxed) } }
        await loop.stop()
        await loop.stop()
        #expect(ran.load(ordering: .relaxed) == 100)
    }

    @Test("a loop that is stopped before its thread has begun to wait ends, too")
    func stoppedAtOnce() async throws {
        let ended = Atomic(0)
        let stopping = Task {
            for _ in 0..<2_000 {
                await EventLoop(name: "brief").stop()
                ended.add(1, ordering: .relaxed)
            }
        }
        // Not awaited: who waits for a stop that never comes would never say so.
        for _ in 0..<3_000 where ended.load(ordering: .relaxed) < 2_000 {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(ended.load(ordering: .relaxed) == 2_000)
        stopping.cancel()
    }
}

/// Holds the loop's thread still from another one.
private final class Gate: Sendable {
    private let state = Atomic(0)
    var hasWaiter: Bool { state.load(ordering: .acquiring) == 1 }
    func open() { state.store(2, ordering: .releasing) }

    func wait() {
        state.store(1, ordering: .releasing)
        while state.load(ordering: .acquiring) != 2 { sched_yield() }
    }
}

/// A box for a value that its own callback must release. Touched on the loop's thread only, which is the
/// proof for `@unchecked`.
private final class Held<Value>: @unchecked Sendable {
    var value: Value?
}
