import Foundation
import HeadwayCore
import HeadwayWire
import Testing

@testable import ReadAPI

/// Not tests but measurements: `HEADWAY_FIGURES=1 swift test -c release --filter ViewFigures`.
@Suite(
    "What views cost", .serialized,
    .enabled(if: ProcessInfo.processInfo.environment["HEADWAY_FIGURES"] != nil),
    .timeLimit(.minutes(2)))
struct ViewFigures {
    /// Of five runs the quickest, per rendering.
    private func measure(_ name: String, bytes: Int, _ body: () -> Void) {
        let rounds = 20_000
        var best = Duration.seconds(1000)
        for _ in 0..<5 {
            let start = ContinuousClock.now
            for _ in 0..<rounds { body() }
            best = min(best, start.duration(to: .now))
        }
        print("FIGURE \(name): \(best / rounds) each, \(bytes) bytes")
    }

    @Test("a rendering of each documented view, beside the plain snapshot")
    func rendering() throws {
        let answer = try ViewSamples.article()
        guard case .job(.job(let snapshot)) = answer else { return }
        measure("plain snapshot", bytes: SnapshotTests.text(snapshot).utf8.count) {
            var json = JSONWriter()
            snapshot.write(to: &json)
        }
        for route in [
            "/progress/{job}", "/stories/{job}/status", "/api/books/{job}/status", "/api/status/{job}",
        ] {
            let view = try ViewSamples.documented(route)
            let fields = try #require(view.fields)
            measure("view \(route)", bytes: try ViewSamples.text(view, answer).utf8.count) {
                _ = view.write(fields, of: ViewSubject(snapshot))
            }
        }
        let view = try ViewSamples.documented("/api/jobs/{job}/progress")
        let lens = ViewLens(views: ViewSet([view]), opened: view, subject: .job(snapshot.id))
        measure("frame /api/jobs/{job}/progress", bytes: lens.frame(of: answer).bytes.count) {
            _ = lens.frame(of: answer)
        }
    }
}
