#if THREAD_SANITIZER
    import EventLoop

    /// See `SanitizedMutex`.
    typealias Mutex = SanitizedMutex
#endif
