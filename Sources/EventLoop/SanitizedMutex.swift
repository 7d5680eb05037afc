#if THREAD_SANITIZER
    import Glibc

    /// Stands in for `Synchronization.Mutex` under ThreadSanitizer, which cannot follow that one.
    ///
    /// A contended `Mutex` is taken inside the toolchain's library, by atomics that are not instrumented, so the
    /// sanitizer sees no order between its holders and reports races that are none. `pthread_mutex_lock` it knows.
    /// Each room that uses `Mutex` names this one instead when built with `-D THREAD_SANITIZER` (`make
    /// check-sanitizers`); nothing else differs.
    ///
    /// The value lies in memory of its own: as a stored property, one without a size (`Mutex<Void>`) would be told
    /// to the sanitizer at the object's own address, where every call reads the object's type.
    ///
    /// `@unchecked Sendable`, proof: `value` is touched only between lock and unlock.
    @safe
    package final class SanitizedMutex<Value>: @unchecked Sendable {
        private let lock: UnsafeMutablePointer<pthread_mutex_t>
        private let value: UnsafeMutablePointer<Value>

        package init(_ value: consuming sending Value) {
            unsafe self.value = .allocate(capacity: 1)
            unsafe self.value.initialize(to: value)
            unsafe lock = .allocate(capacity: 1)
            unsafe pthread_mutex_init(lock, nil)
        }

        deinit {
            unsafe pthread_mutex_destroy(lock)
            unsafe lock.deallocate()
            unsafe value.deinitialize(count: 1)
            unsafe value.deallocate()
        }

        package func withLock<Result, Failure: Error>(
            _ body: (inout sending Value) throws(Failure) -> sending Result
        ) throws(Failure) -> sending Result {
            unsafe pthread_mutex_lock(lock)
            defer { unsafe pthread_mutex_unlock(lock) }
            return try unsafe body(&value.pointee)
        }
    }

    typealias Mutex = SanitizedMutex
#endif
