import HeadwayCore

/// A pipeline's stages as a Swift type, so that a wrong stage does not compile.
///
///     enum Article: PipelineContract {
///         static let name = "article"
///         enum Stage: String, CaseIterable { case research, writing, seo }
///     }
///
/// The applied definition (`headway pipelines apply article.json`) holds ranges, labels and limits. The two are
/// checked against each other when the contract is first used: they must name the same stages.
public protocol PipelineContract {
    /// The stages, in the definition's order; their raw values are the ids that stand there.
    associatedtype Stage: RawRepresentable & CaseIterable & Sendable where Stage.RawValue == String
    /// As in the definition.
    static var name: String { get }
}

/// Stands for any pipeline, with stages by name: for programs that learn the pipeline at run time.
public enum AnyPipeline: PipelineContract {
    /// Any name: see ``StageName``.
    public typealias Stage = StageName

    /// Not the name of a pipeline: where a contract is wanted, this one says "by name".
    public static var name: String { "*" }
}

/// A stage by its name; checked against the definition when it is used.
public struct StageName: RawRepresentable, CaseIterable, Sendable, Hashable, ExpressibleByStringLiteral {
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }
    /// A stage by the id that the definition gives it.
    public init(_ name: String) { rawValue = name }
    public init(stringLiteral name: String) { rawValue = name }

    /// None: which stages there are is known only at run time.
    public static var allCases: [StageName] { [] }
}

/// What a contract in Swift and an applied definition disagree on.
struct ContractDifference: Equatable {
    /// In Swift only.
    var unknown: [String]
    /// In the definition only.
    var missing: [String]

    /// - Returns: nil when both name the same stages.
    init?(stages: [String], definition: Pipeline) {
        let defined = definition.stages.map(\.id)
        unknown = stages.filter { !defined.contains($0) }
        missing = defined.filter { !stages.contains($0) }
        if unknown.isEmpty && missing.isEmpty { return nil }
    }

    func error(_ reference: Pipeline.Reference) -> HeadwayError {
        var parts: [String] = []
        if !unknown.isEmpty { parts.append("the definition lacks \(unknown.joined(separator: ", "))") }
        if !missing.isEmpty { parts.append("the Swift type lacks \(missing.joined(separator: ", "))") }
        return HeadwayError(
            .contractMismatch,
            "The Swift stages of \(reference.name) and its definition \(reference) differ: "
                + "\(parts.joined(separator: "; ")). Change one of them; a changed definition is applied with "
                + "`headway pipelines apply FILE`.")
    }
}
