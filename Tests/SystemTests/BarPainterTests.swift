import EventLoop
import HeadwayCore
import Synchronization
import Testing

@testable import HeadwayCLI

@Suite("BarPainter")
struct BarPainterTests {
    static let view = ProgressView(
        bulks: [
            ProgressView.Bulk(
                id: "spring", text: "12 of 40", percent: 37, failed: 1, stalled: 1, perMinute: 14.2,
                secondsLeft: 310)
        ],
        jobs: [
            ProgressView.Job(
                id: "article-42", status: .running, percent: 49, stage: "Writing", done: 5, total: 10,
                message: "Writing section 3", secondsLeft: 66),
            ProgressView.Job(
                id: "a7", label: "春の記事", status: .running, percent: 3, stage: "Researching",
                concern: "No sign of life for 20s."),
        ],
        hidden: 5)

    @Test("the bulk's bar stands above its jobs' bars")
    func wide() {
        let lines = BarPainter(width: 110, hasColour: false, hasUnicode: true).lines(Self.view)
        #expect(
            lines == [
                "spring        ━━━━━━━━━━━━━───────────────────────   37 %  12 of 40 · 1 failed · 1 stalled · 14/min · 5m10s l…",
                "  article-42  ━━━━━━━━━━━━━━━━━╸──────────────────   49 %  Writing 5/10 · Writing section 3 · 1m06s left",
                "  春の記事    ━───────────────────────────────────    3 %  Researching · No sign of life for 20s.",
                "  and 5 more running",
            ])
        #expect(lines.allSatisfy { DisplayWidth.of($0) <= 110 })
    }

    @Test("without Unicode everything is ASCII")
    func ascii() {
        let lines = BarPainter(width: 70, hasColour: false, hasUnicode: false).lines(Self.view)
        #expect(
            lines == [
                "spring        [#######--------------]   37 %  12 of 40, 1 failed, 1 s.",
                "  article-42  [##########-----------]   49 %  Writing 5/10, Writing s.",
                "  ????        [---------------------]    3 %  Researching, No sign of.",
                "  and 5 more running",
            ])
    }

    @Test("where there is no room for a bar the number is what counts")
    func narrow() {
        let lines = BarPainter(width: 20, hasColour: false, hasUnicode: true).lines(Self.view)
        #expect(lines.prefix(2) == ["37% spring", "49%   article-42"])
        for width in 20...140 {
            for line in BarPainter(width: width, hasColour: false, hasUnicode: true).lines(Self.view) {
                #expect(DisplayWidth.of(line) <= width)
            }
        }
    }

    @Test("a bar is full at 100 only, and empty at 0 only by its number's rule: it floors")
    func floors() {
        func bar(_ percent: Int) -> String {
            let view = ProgressView(bulks: [ProgressView.Bulk(id: "b", text: "", percent: percent)])
            return BarPainter(width: 60, hasColour: false, hasUnicode: true).lines(view)[0]
        }
        #expect(!bar(100).contains("─"))
        #expect(bar(99).contains("╸") || bar(99).contains("─"))
        #expect(!bar(0).contains("━"))
    }

    @Test("more jobs than the screen has lines are counted, not painted")
    func tall() {
        var view = Self.view
        view.jobs = (0..<50).map { ProgressView.Job(id: "job-\($0)", status: .running, percent: $0) }
        let lines = BarPainter(width: 80, hasColour: false, hasUnicode: true, height: 10).lines(view)
        #expect(lines.count == 10)
        #expect(lines.last == "  and 47 more running")
    }

    @Test("more bulks than the screen has lines leave no room for jobs, and are counted")
    func manyBulks() {
        var view = Self.view
        view.bulks = (0..<20).map { ProgressView.Bulk(id: "bulk-\($0)", text: "1 of 2", percent: 50) }
        for height in 1...30 {
            let lines = BarPainter(width: 80, hasColour: false, hasUnicode: true, height: height).lines(view)
            #expect(lines.count <= height)
            if height < 20 { #expect(lines.last == "  and \(21 - height) more bulks") }
        }
    }

    @Test("a bar moves by what is done, not by whole percents only; it is never full before the end")
    func smooth() {
        func bar(_ fill: Int) -> String {
            let view = ProgressView(
                bulks: [ProgressView.Bulk(id: "b", text: "", percent: fill / 10_000, fill: fill)])
            return BarPainter(width: 190, hasColour: false, hasUnicode: true).lines(view)[0]
        }
        let fills = stride(from: 0, through: 999_999, by: 1000)
        #expect(Set(fills.map { bar($0).filter { "━╸─".contains($0) } }).count == 2 * (190 / 3))
        #expect(bar(999_999).contains("╸") && bar(1_000_000).contains("━") && !bar(1_000_000).contains("╸"))
    }

    @Test("what failed is red, what is stale is yellow, and a message cannot move the cursor")
    func colours() {
        var view = Self.view
        let painter = BarPainter(width: 100, hasColour: true, hasUnicode: true)
        #expect(painter.lines(view)[0].contains("\u{1b}[31m━"))
        view.bulks[0].isStale = true
        #expect(painter.lines(view)[0].contains("\u{1b}[33m━"))
        view.jobs[0].message = "\u{1b}[2J\nowned"
        let plain = BarPainter(width: 200, hasColour: false, hasUnicode: true).lines(view)[1]
        #expect(plain.contains(#"\x1b[2J\nowned"#))
        #expect(!plain.contains("\u{1b}"))
    }

    @Test("repainting goes up as many rows as the old lines take now, and gives the cursor back")
    func repainting() {
        let written = Written()
        let display = LiveDisplay(Terminal(isLive: true, hasColour: false, hasUnicode: true)) {
            written.add($0)
        }
        let view = ProgressView(jobs: [ProgressView.Job(id: "x", status: .completed, percent: 100)])
        display.show(view, last: true)
        display.show(view)
        display.show(view, last: true)
        display.note("above")
        display.close()
        display.close()
        let text = written.text
        #expect(text.hasPrefix("\u{1b}[?25l\r\u{1b}[2Kx"))
        #expect(text.components("\u{1b}[?25h") == 1)
        #expect(text.components("\u{1b}[1A") == 2)
        #expect(text.contains("above\n"))
    }

    @Test("plain lines come once per piece of news")
    func plain() {
        var report = PlainReport()
        var view = Self.view
        #expect(
            report.news(view, at: .zero) == [
                "spring: 12 of 40, 37 %, 1 failed, 14/min, 5m10s left",
                "article-42: running, 49 %, Writing 5/10, Writing section 3",
                "a7: running, 3 %, Researching, No sign of life for 20s.",
            ])
        view.bulks[0].percent = 38
        view.jobs[0].message = "Writing on"
        view.jobs[1].concern = "No sign of life for 21s."
        #expect(report.news(view, at: .zero) == [])
        view.bulks[0].text = "13 of 40"
        view.jobs[0].percent = 50
        #expect(report.news(view, at: .zero).count == 2)
        // The same percent: no line for each of ten thousand jobs, but one a second.
        view.bulks[0].text = "14 of 40"
        #expect(report.news(view, at: .milliseconds(900)) == [])
        #expect(report.news(view, at: .milliseconds(1000)).count == 1)
        view.bulks[0].failed = 2
        #expect(report.news(view, at: .milliseconds(1001)).count == 1)
    }

    @Test("a log line is one line, whatever is in it, and the JSON of it is JSON")
    func log() {
        let written = Written()
        var log = Log(
            level: .info, write: { written.add($0) }, now: { .init(milliseconds: 1_772_357_400_125) })
        log.info("two\nlines", ["key": "a \"b\"", "plain": "x"])
        log.debug("unheard")
        log.format = .json
        log.error("two\nlines", ["key": "\u{1b}"])
        #expect(
            written.text == """
                2026-03-01T09:30:00.125Z info    two\\nlines key="a \\"b\\"" plain=x
                {"time":"2026-03-01T09:30:00.125Z","level":"error","message":"two\\nlines","key":"\\u001b"}

                """)
    }
}

/// What was written, in order.
final class Written: Sendable {
    private let lines = Mutex<[String]>([])

    func add(_ text: String) { lines.withLock { $0.append(text) } }
    var text: String { lines.withLock { $0.joined() } }
}

extension String {
    /// How often `part` occurs.
    func components(_ part: String) -> Int { ranges(of: part).count }
}
