#if THREAD_SANITIZER
    import Glibc

    /// Stands in for `Synchronization.Mutex` under ThreadSanitizer, which cannot follow that one.
    ///
    /// A contended `Mutex` is taken inside the toolchain's library, by atomics that are not instrumented, so the
    /// sanitizer sees no order between its holders and reports races that are none. `pthread_mutex_lock` it knows.
    /// Each room that uses `Mutex` names this one instead when built with `-D THREAD_SANITIZER` (`make
    /// check-sanitizers`); nothing else differs.
    ///
    /// `@unchecked Sendable`, proof: `value` is touched only between lock and unlock.
    @safe
    package final class SanitizedMutex<Value>: @unchecked Sendable {
        private let lock: UnsafeMutablePointer<pthread_mutex_t>
        private var value: Value

        package init(_ value: consuming sending Value) {
            self.value = value
            unsafe lock = .allocate(capacity: 1)
            unsafe pthread_mutex_init(lock, nil)
        }

        deinit {
            unsafe pthread_mutex_destroy(lock)
            unsafe lock.deallocate()
        }

        package func withLock<Result, Failure: Error>(
            _ body: (inout sending Value) throws(Failure) -> sending Result
        ) throws(Failure) -> sending Result {
            unsafe pthread_mutex_lock(lock)
            defer { unsafe pthread_mutex_unlock(lock) }
            return try body(&value)
        }
    }

    typealias Mutex = SanitizedMutex
#endif
