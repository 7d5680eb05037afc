/// One thing that is wrong with a pipeline document: which file, where in it, what, and what to do.
package struct PipelineProblem: Sendable, Equatable, CustomStringConvertible {
    package let file: String
    /// `stages[2].range`; empty for the document as a whole.
    package let path: String
    package let detail: String

    package init(file: String, path: String, detail: String) {
        self.file = file
        self.path = path
        self.detail = detail
    }

    package var description: String {
        path.isEmpty ? "\(file): \(detail)" : "\(file): \(path): \(detail)"
    }
}

/// Everything that is wrong with a document, in its order.
package struct PipelineProblems: Error, Sendable, Equatable, CustomStringConvertible {
    package let problems: [PipelineProblem]

    package init(_ problems: [PipelineProblem]) { self.problems = problems }

    /// One line per problem.
    package var description: String { problems.map(\.description).joined(separator: "\n") }
}
