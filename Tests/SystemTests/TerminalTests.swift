import Testing

/// Bars and tables as a person sees them, drawn by a terminal emulator.
@Suite("On a terminal", .timeLimit(.minutes(5)))
struct TerminalTests {
    @Test("watch, status, jobs and run: at every width, without colours, without a terminal, interrupted")
    func screens() async throws {
        try await SceneScript.run("terminal.py")
    }
}
