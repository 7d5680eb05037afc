import Foundation
import Testing

/// Holds the code of a page to code that is compiled and run.
enum DocumentedCode {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// Every Swift line of `page` stands in the file `here`, in its order within each block.
    ///
    /// - Parameter blocks: how many Swift blocks the page has, so that none is passed over.
    static func check(_ page: String, isIn here: String, blocks expected: Int) throws {
        let text = try String(contentsOf: root.appending(path: page), encoding: .utf8)
        let own = try String(contentsOf: URL(filePath: here), encoding: .utf8).split(separator: "\n").map(
            trimmed)
        let blocks = text.components(separatedBy: "```swift\n").dropFirst()
            .compactMap { $0.components(separatedBy: "```").first }
        #expect(blocks.count == expected, "\(page) has other blocks than it had")
        for block in blocks {
            let lines = block.split(separator: "\n").map(trimmed)
            let starts = own.indices.filter { own[$0] == lines.first }
            let isThere = starts.contains { start in
                var place = start
                for line in lines {
                    guard let found = own[place...].firstIndex(of: line) else { return false }
                    place = own.index(after: found)
                }
                return true
            }
            #expect(isThere, "\(page) says what is not compiled here:\n\(block)")
        }
    }

    /// Without indentation, and without a remark behind the code.
    private static func trimmed(_ line: Substring) -> String {
        let remark = line.range(of: #"(?<=\S)\s+// .*$"#, options: .regularExpression)
        return String(line[..<(remark?.lowerBound ?? line.endIndex)]).trimmingCharacters(in: .whitespaces)
    }
}
