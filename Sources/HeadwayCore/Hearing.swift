/// The moment in which a word is heard.
struct Hearing {
    /// The partition's time.
    let now: Timestamp
    let pipeline: Pipeline
    /// From a publisher that counts what it says: never a redelivery, which was dropped before the fold.
    let isSequenced: Bool
    /// The worker that is known went silent, so another may take its place.
    var isWorkerSilent = false
}
