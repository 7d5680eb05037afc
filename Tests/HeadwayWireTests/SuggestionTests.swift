import Testing

@testable import HeadwayWire

@Suite("Suggestions")
struct SuggestionTests {
    @Test(
        "what was probably meant is the word with the fewest mistakes, if they are few, or the first that begins so",
        arguments: [
            ("Serve", "serve"), ("serv", "serve"), ("sreve", "serve"), ("aggregat", "aggregate"),
            ("agg", "aggregate"), ("watc", "watch"), ("xyz", nil), ("s", nil), ("nothing", nil), ("", nil),
        ])
    func nearest(word: String, meant: String?) {
        #expect(Suggestion.nearest(to: word, among: ["status", "serve", "watch", "aggregate"]) == meant)
    }

    @Test("a word of any length costs little", .timeLimit(.minutes(1)))
    func long() {
        #expect(Suggestion.nearest(to: String(repeating: "a", count: 1_000_000), among: ["status"]) == nil)
    }

    @Test(
        "a type that does not exist has a neighbour; one that shares tell one another, none",
        arguments: [
            ("job.startd", "job.started"), ("stage.progress", "stage.progressed"),
            ("job.complete", "job.completed"),
            ("bulk.announced", nil), ("job.started", nil), ("job.paused", nil),
        ])
    func types(word: String, meant: String?) {
        #expect(Suggestion.type(near: word) == meant)
    }
}
