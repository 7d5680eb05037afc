#if FAULT_INJECTION
    import Glibc
#endif

/// Takes single protections out, `HEADWAY_SABOTAGE=dedupe,nonce`, so that the fault suite can show that it would
/// notice each. Only debug builds listen; a release has every protection in.
enum Sabotage: String {
    /// Every number of a source is applied, however often it comes.
    case dedupe
    /// A write to the control hash between the look at it and the commit does not stop the commit.
    case watch
    /// Nor does another nonce in it,
    case nonce
    /// another checkpoint,
    case checkpoint
    /// or another commit number.
    case commit
    /// All four of them.
    case fence
    /// Jobs and shares are believed on after the lease was lost.
    case cache
    /// Fields that an image lacks linger.
    case images
    /// The stream is trimmed to its end, read or not.
    case trim
    /// The stream is trimmed to the checkpoint without another look at it.
    case stream
    /// A gap is told when it is seen, not when it is committed.
    case alarms
    /// Deadlines fire by the clock, whatever is still unread.
    case watermark

    #if FAULT_INJECTION
        private static let words: Set<Substring> = {
            guard let text = unsafe getenv("HEADWAY_SABOTAGE") else { return [] }
            return Set(unsafe String(cString: text).split(separator: ","))
        }()
        var isOn: Bool { Self.words.contains(rawValue[...]) }
    #else
        var isOn: Bool { false }
    #endif
}
