/// The moment in which a word is heard.
struct Hearing {
    /// The partition's time.
    let now: Timestamp
    let pipeline: Pipeline
    /// From a publisher that counts what it says: never a redelivery, which was dropped before the fold.
    let isSequenced: Bool
    /// How long stages took so far.
    let book: DurationBook
    /// Silence before this does not count.
    let floor: Timestamp?
    /// The worker that is known went silent, so another may take its place.
    var isWorkerSilent = false

    init(now: Timestamp, pipeline: Pipeline, isSequenced: Bool, _ context: FoldContext) {
        self.now = now
        self.pipeline = pipeline
        self.isSequenced = isSequenced
        book = context.book
        floor = context.floor
    }

    /// What is usual for `stage`; nil while nobody knows.
    func usual(of stage: String) -> UsualDuration? { book[pipeline.name, stage]?.usual }
}
