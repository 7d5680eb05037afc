#if FAULT_INJECTION
    import Glibc
#endif

/// As in the aggregator: takes single protections out, for the fault suite, in debug builds only.
enum Sabotage: String {
    /// A commit number that was left out on `changes` is not noticed.
    case holes
    /// Neither is another epoch, there or in control.
    case epochs
    /// Where the partitions stand is not compared with what their messages told.
    case positions

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
