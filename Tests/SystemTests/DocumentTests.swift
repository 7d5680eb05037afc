import Testing

/// What the documents tell people to type, typed.
@Suite("Documents", .timeLimit(.minutes(5)))
struct DocumentTests {
    @Test("the tutorial leads from nothing to a live bar, and the guide to bulks to one that is settled")
    func tutorial() async throws {
        try await SceneScript.run("documents.py", SceneScript.root, "guides")
    }

    @Test("the README's examples of workers make one bulk, 4 of 4, and print what is shown")
    func readme() async throws {
        try await SceneScript.run("documents.py", SceneScript.root, "readme")
    }
}
