import HeadwayCore
import HeadwayWire
import ReadAPI

/// `headway pipelines`: the contracts, checked before anybody depends on them.
enum PipelinesCommand {
    static let command = Command(
        name: "pipelines", summary: "check, store and list the contracts of jobs, and print their types",
        synopsis: "check FILE… | apply FILE… | list | types FILE|NAME",
        details: """
            check says everything that is wrong in the files, and where. apply stores each as the next revision of \
            its name, or not at all when the latest says the same. list shows what is stored.

            types prints the stages and the answers, those of the views too, as types of Swift or TypeScript, from a \
            file or of the latest stored revision of a name: one list for workers and frontends.
            """,
        options: RedisChoice.options + [
            Option("json", nil, .flag, "list: the definitions, one a line"),
            Option("swift", nil, .flag, "types: for Swift, the contract too"),
            Option("typescript", nil, .flag, "types: for TypeScript"),
        ],
        run: { try await run($0) })

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let words = invocation.arguments.words
        switch words.first {
        case "check":
            for document in try read(Array(words.dropFirst())) {
                let count = document.pipeline.stages.count
                Terminal.say("\(document.pipeline.name): \(count) \(count == 1 ? "stage" : "stages"), sound")
            }
            return .done
        case "apply":
            let documents = try read(Array(words.dropFirst()))
            return try await Desk.with(invocation) { desk in
                for document in documents { Terminal.say(try await apply(document, at: desk)) }
                return .done
            }
        case "list":
            return try await Desk.with(invocation) { try await list($0, invocation) }
        case "types": return try await types(invocation)
        case let word?:
            let nearest = Suggestion.nearest(to: word, among: ["check", "apply", "list", "types"])
            throw UsageError(
                "wants check, apply, list or types, not \(Printable.line(word, limit: 40))"
                    + (nearest.map { "; did you mean \($0)?" } ?? ""))
        case nil:
            throw UsageError("wants check FILE…, apply FILE…, list, or types FILE")
        }
    }

    /// - Parameter checksViews: whether a view that cannot be read is a problem too.
    /// - Throws: ``Failure`` with a line for each problem in any of them.
    static func read(_ files: [String], checksViews: Bool = true) throws -> [PipelineDocument] {
        guard !files.isEmpty else { throw UsageError("wants at least one FILE") }
        var documents: [PipelineDocument] = []
        var problems: [String] = []
        for file in files {
            do {
                let parse = checksViews ? PipelineDocument.parseWithViews : PipelineDocument.parse
                switch parse(try FileAccess.read(file), file, 1) {
                case .success(let document): documents.append(document)
                case .failure(let found): problems += found.problems.map(\.description)
                }
            } catch {
                problems.append("\(error)")
            }
        }
        guard problems.isEmpty else {
            for problem in problems.dropLast() { Terminal.write(Printable.line(problem) + "\n", to: 2) }
            throw Failure(problems.last ?? "")
        }
        return documents
    }

    private static func types(_ invocation: Invocation) async throws -> ExitCode {
        let words = invocation.arguments.words.dropFirst()
        guard let word = words.first, words.count == 1 else {
            throw UsageError("wants one FILE or NAME: types --typescript article.json")
        }
        let isSwift = invocation.arguments.isOn("swift")
        guard isSwift != invocation.arguments.isOn("typescript") else {
            throw UsageError("wants either --swift or --typescript")
        }
        var document: PipelineDocument?
        var origin = word
        if word.contains("/") || word.hasSuffix(".json") {
            document = try read([word], checksViews: false)[0]
        } else {
            guard let name = PipelineName(word) else {
                throw UsageError("\(Printable.line(word, limit: 40)) is neither a file nor a pipeline's name")
            }
            (document, origin) = try await Desk.with(invocation) { desk in
                let shelf = try await desk.reader.pipelines()
                guard let found = shelf.catalog[name] else {
                    throw Failure("no pipeline \(name) is stored here; for a file say ./\(name)")
                }
                return (shelf.documents[found.reference], "\(found.reference)")
            }
        }
        guard let document else { throw Failure("\(word) cannot be read") }
        let types = PipelineTypes(document)
        origin = Printable.line(origin)
        let text =
            isSwift
            ? SwiftWriter(types).text(origin: origin) : TypeScriptWriter(types).text(origin: origin)
        Terminal.write(text, to: 1)
        return .done
    }

    private static func apply(_ document: PipelineDocument, at desk: Desk) async throws(ReadError) -> String {
        switch try await desk.reader.put(document) {
        case .new(let reference): "\(reference) stored"
        case .unchanged(let reference): "\(reference) unchanged"
        }
    }

    private static func list(_ desk: Desk, _ invocation: Invocation) async throws(ReadError) -> ExitCode {
        let shelf = try await desk.reader.pipelines()
        let latest = shelf.catalog.latest
        if invocation.arguments.isOn("json") {
            for pipeline in latest { Terminal.say(shelf.documents[pipeline.reference]?.canonical ?? "") }
        } else {
            var table = Table(head: ["PIPELINE", "REVISION", "ATTEMPTS", "STAGES"])
            table.rows = latest.map { pipeline in
                [
                    pipeline.name, "\(pipeline.reference.revision)", "\(pipeline.maxAttempts)",
                    pipeline.stages.map(\.id).joined(separator: " → "),
                ]
            }
            table.print(to: invocation.terminal)
        }
        for problem in shelf.problems + shelf.viewProblems { invocation.log.warning("\(problem)") }
        return .done
    }
}
