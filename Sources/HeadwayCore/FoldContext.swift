/// What the fold of a word needs to know beside the record and the word.
struct FoldContext {
    let catalog: PipelineCatalog
    /// How long stages took so far, in the order of the stream.
    let book: DurationBook
    /// Silence before this does not count: nobody could have heard.
    let floor: Timestamp?
}
