import CLibevent
import Glibc
import Synchronization

/// One thread, one libevent base, and a Swift executor on it.
///
/// An actor that names a loop as its `unownedExecutor` runs on the loop's thread only, so the C handles it
/// owns need no lock, and awaiting another actor of the same loop costs no thread hop. Callbacks that C makes
/// on that thread may enter such an actor with `assumeIsolated`.
///
/// Nothing that runs here may block: a blocking call stops every connection of the loop.
///
/// `@unchecked Sendable`, proof: `base`, `wakeEvent` and `timerEvent` are set once in `init` and freed only
/// after the thread has ended; `event_active` is thread-safe after `evthread_use_pthreads`; everything else
/// that changes sits behind the mutex or is touched on the loop's thread alone (`onLoop`, checked).
@safe
package final class EventLoop: SerialExecutor, TaskExecutor, @unchecked Sendable {
    package let name: String
    package let clock: any LoopClock

    /// Nil on a driven loop, which has no events of its own.
    private let base: OpaquePointer?
    /// Who turns this loop; nil when its own thread does.
    package let driver: (any LoopDriver)?
    private var wakeEvent: OpaquePointer?
    var timerEvent: OpaquePointer?

    enum Work {
        case job(UnownedJob)
        case call(@Sendable () -> Void)
    }

    private struct Inbox {
        var work: [Work] = []
        var isRunning = true
        var isFinished = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }
    private let inbox = Mutex(Inbox())
    private let thread = Atomic<pthread_t>(0)
    /// How often the loop was rung; a burst of work rings once.
    let wakeUps = Atomic(0)

    // Touched on the loop's thread only.
    private var burst: [Work] = []
    /// What waits for ``turn()``: of a driven loop only.
    var turns = DrivenQueue()
    var timers = TimerQueue<@Sendable () -> Void>()
    var armedFor: Duration?

    /// Starts the loop and its thread; both live until ``stop()``.
    ///
    /// - Parameters:
    ///   - name: the thread's name, cut to 15 bytes by the kernel.
    ///   - clock: where timers take their time from; the machine's monotonic clock unless a test says otherwise.
    package init(name: String, clock: any LoopClock = SystemLoopClock()) {
        self.name = name
        self.clock = clock
        driver = nil
        _ = Self.prepareProcess
        guard let config = unsafe event_config_new() else { preconditionFailure("libevent: out of memory") }
        // After 64 callbacks look at the sockets again, so that a chatty task cannot starve them.
        unsafe event_config_set_max_dispatch_interval(config, nil, 64, 0)
        guard let base = unsafe event_base_new_with_config(config) else {
            preconditionFailure("libevent: no usable event mechanism")
        }
        unsafe event_config_free(config)
        unsafe self.base = base
        let me = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe wakeEvent = event_new(
            base, -1, Int16(EV_PERSIST),
            { _, _, context in unsafe EventLoop.from(context).drain() }, me)
        unsafe timerEvent = event_new(
            base, -1, 0,
            { _, _, context in unsafe EventLoop.from(context).fireTimers() }, me)
        clock.onJump { [weak self] in self?.submit { [weak self] in self?.fireTimers() } }
        startThread()
    }

    /// Makes a loop without thread and libevent, that moves only when `driver` turns it; see ``turn()``.
    package init(name: String, drivenBy driver: any LoopDriver) {
        self.name = name
        self.driver = driver
        clock = driver.clock
        unsafe base = nil
    }

    deinit {
        guard let base = unsafe base else { return }
        unsafe event_free(wakeEvent)
        unsafe event_free(timerEvent)
        unsafe event_base_free(base)
    }

    /// SIGPIPE is a write's error, not the process's death; libevent's locks are on before the first base.
    private static let prepareProcess: Void = {
        signal(SIGPIPE, SIG_IGN)
        evthread_use_pthreads()
    }()

    private static func from(_ context: UnsafeMutableRawPointer?) -> EventLoop {
        guard let context = unsafe context else { preconditionFailure("libevent lost its context") }
        return unsafe Unmanaged<EventLoop>.fromOpaque(context).takeUnretainedValue()
    }

    // MARK: The thread

    private func startThread() {
        let me = unsafe Unmanaged.passRetained(self)
        var thread = pthread_t()
        let status = unsafe pthread_create(
            &thread, nil,
            { context in
                guard let context = unsafe context else { return nil }
                let loop = unsafe Unmanaged<EventLoop>.fromOpaque(context).takeRetainedValue()
                loop.run()
                return nil
            }, me.toOpaque())
        precondition(status == 0, "cannot start a thread: \(status)")
        pthread_detach(thread)
    }

    private func run() {
        unsafe loop_name_this_thread(String(name.prefix(15)))
        thread.store(pthread_self(), ordering: .relaxed)
        while inbox.withLock({ $0.isRunning }) {
            unsafe event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY)
        }
        drain()
        let waiters = inbox.withLock { inbox in
            inbox.isFinished = true
            defer { inbox.waiters = [] }
            return inbox.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Ends the loop after the work already queued, and waits for its thread to end.
    ///
    /// Whatever lives on the loop must be closed before; work submitted afterwards never runs.
    package func stop() async {
        // Its driver simply turns it no more.
        if driver != nil { return }
        await withCheckedContinuation { continuation in
            let finished = inbox.withLock {
                if $0.isFinished { return true }
                $0.isRunning = false
                $0.waiters.append(continuation)
                return false
            }
            if finished { return continuation.resume() }
            unsafe event_base_loopbreak(base)
            unsafe event_active(wakeEvent, 0, 0)
        }
    }

    package var isOnLoop: Bool { thread.load(ordering: .relaxed) == pthread_self() }

    // MARK: The executor

    package func enqueue(_ job: consuming ExecutorJob) { add(.job(UnownedJob(job))) }

    /// Runs `work` on the loop's thread, after what is already queued there.
    package func submit(_ work: @escaping @Sendable () -> Void) { add(.call(work)) }

    private func add(_ work: Work) {
        if driver != nil { return turns.add(work) }
        // One wake-up per burst: only the one that finds the inbox empty rings.
        let wasEmpty = inbox.withLock {
            $0.work.append(work)
            return $0.work.count == 1
        }
        if wasEmpty { unsafe event_active(wakeEvent, 0, 0) }
    }

    private func drain() {
        wakeUps.add(1, ordering: .relaxed)
        let isRunning = inbox.withLock {
            swap(&$0.work, &burst)
            return $0.isRunning
        }
        // A break that is asked for before the thread waits for the first time is forgotten by libevent; its bell is not.
        if !isRunning { unsafe event_base_loopbreak(base) }
        for work in burst { run(work) }
        burst.removeAll(keepingCapacity: true)
    }

    private func run(_ work: Work) {
        switch work {
        case .job(let job):
            unsafe job.runSynchronously(
                isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
        case .call(let work): work()
        }
    }

    // MARK: Driven

    /// Runs the oldest piece of work on the calling thread, as the loop's thread. Driven loops only.
    ///
    /// - Returns: false when there was none.
    @discardableResult
    package func turn() -> Bool {
        guard let work = turns.next() else { return false }
        asIfOnLoop { run(work) }
        return true
    }

    /// Runs `body` on the calling thread as if it were the loop's. Driven loops only.
    package func asIfOnLoop(_ body: () -> Void) {
        precondition(driver != nil, "the event loop \(name) has a thread of its own")
        thread.store(pthread_self(), ordering: .relaxed)
        body()
        thread.store(0, ordering: .relaxed)
    }

    package func checkIsolated() {
        precondition(isOnLoop, "not on the event loop \(name)")
    }

    package func isIsolatingCurrentContext() -> Bool? { isOnLoop }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        unsafe UnownedSerialExecutor(ordinary: self)
    }

    // MARK: C neighbours

    /// Lends the base to the rooms that put their own events on it (`Redis`, `HTTPServer`). Loop's thread only.
    package func withBase<R>(_ body: (OpaquePointer) -> R) -> R {
        checkIsolated()
        guard let base = unsafe base else { preconditionFailure("the driven loop \(name) has no sockets") }
        return unsafe body(base)
    }
}
