import Testing

@testable import HeadwayCLI

@Suite("ProgressFilter")
struct ProgressFilterTests {
    struct Line: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let progress: ProgressFilter.Progress?

        init(_ text: String, _ done: Int, _ total: Int, _ message: String? = nil) {
            testDescription = text
            progress = ProgressFilter.Progress(done: done, total: total, message: message)
        }

        init(other text: String) {
            testDescription = text
            progress = nil
        }
    }

    static let lines = [
        Line("3/10", 3, 10), Line("3/10  ", 3, 10), Line("headway: 3/10", 3, 10), Line("headway:3/10", 3, 10),
        Line("headway: 3/10 Writing section 3", 3, 10, "Writing section 3"),
        Line("headway:  0/1   x ", 0, 1, "x"),
        Line(other: "3/10 of it"), Line(other: "3/0"), Line(other: "3 / 10"), Line(other: "/10"),
        Line(other: "3/"),
        Line(other: "headway: hello"), Line(other: "headway:"), Line(other: ""), Line(other: "12/24/2026"),
        Line(other: "-1/10"), Line(other: "99999999999999999999/3"), Line(other: "headwaystation 3/10"),
    ]

    @Test("a line is progress or passes, never both", arguments: lines)
    func line(_ line: Line) {
        var filter = ProgressFilter()
        let found = filter.feed(Array("\(line.testDescription)\n".utf8))
        #expect(found.progress == (line.progress.map { [$0] } ?? []))
        #expect(
            String(decoding: found.output, as: UTF8.self)
                == (line.progress == nil ? "\(line.testDescription)\n" : ""))
    }

    @Test("the same comes out however the bytes are cut", arguments: 1...40)
    func chunks(size: Int) {
        let text = Self.lines.map { "\($0.testDescription)\r\n" }.joined() + "no end 1/2\r3/4"
        let bytes = Array(text.utf8)
        func filtered(by size: Int) -> ([UInt8], [ProgressFilter.Progress]) {
            var filter = ProgressFilter()
            var output: [UInt8] = []
            var progress: [ProgressFilter.Progress] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                let found = filter.feed(bytes[start..<min(start + size, bytes.count)])
                output += found.output
                progress += found.progress
            }
            let found = filter.finish()
            return (output + found.output, progress + found.progress)
        }
        let whole = filtered(by: bytes.count)
        #expect(filtered(by: size) == whole)
        #expect(whole.1.count == Self.lines.count { $0.progress != nil } + 1)
    }

    @Test("a prompt without an end passes at once")
    func prompt() {
        var filter = ProgressFilter()
        #expect(filter.feed(Array("Password: ".utf8)).output == Array("Password: ".utf8))
        #expect(filter.feed(Array("3".utf8)).output == Array("3".utf8))
    }
}
