package import HeadwayCore

/// The hash `pipelines`: field `article@3` → the revision's canonical JSON, never changed once written.
package struct PipelineShelf: Sendable {
    /// Where a document belongs.
    package enum Placement: Sendable, Equatable {
        /// The latest revision has the same content.
        case unchanged(Pipeline.Reference)
        /// To be written under this field with `HSETNX`; when that says 0, somebody was faster: read again.
        case new(Pipeline.Reference)

        package var reference: Pipeline.Reference {
            switch self {
            case .unchanged(let reference), .new(let reference): reference
            }
        }
    }

    package private(set) var documents: [Pipeline.Reference: PipelineDocument] = [:]
    /// Of revisions that cannot be read (a later version wrote them, or nobody should have).
    package private(set) var problems: [PipelineProblem] = []
    /// Counts unreadable revisions too, so that none is written over.
    private var highest: [String: Int] = [:]

    /// Reads the whole hash.
    package init(fields: some Sequence<(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)> = FieldBuffer()) {
        for (name, value) in fields {
            let field = String(decoding: name, as: UTF8.self)
            guard let reference = Pipeline.Reference(text: field) else {
                problems.append(PipelineProblem(file: field, path: "", detail: "is not a name@revision"))
                continue
            }
            highest[reference.name] = max(highest[reference.name] ?? 0, reference.revision)
            switch PipelineDocument.parse(Array(value), file: field, revision: reference.revision) {
            case .success(let document) where document.pipeline.name == reference.name:
                documents[reference] = document
            case .success:
                problems.append(
                    PipelineProblem(file: field, path: "name", detail: "is not that of the field"))
            case .failure(let found): problems += found.problems
            }
        }
    }

    /// All readable revisions.
    package var catalog: PipelineCatalog { PipelineCatalog(documents.values.map(\.pipeline)) }

    /// Decides the revision of a document that is put here. Going back to an older content is a new revision,
    /// because the latest is always the highest.
    package func placement(of document: PipelineDocument) -> Placement {
        let name = document.pipeline.name
        let latest = Pipeline.Reference(name: name, revision: highest[name] ?? 0)
        if let known = documents[latest], known.canonical == document.canonical { return .unchanged(latest) }
        return .new(Pipeline.Reference(name: name, revision: latest.revision + 1))
    }

    /// Puts a document in its place and says which.
    package mutating func put(_ document: PipelineDocument) -> Placement {
        let placement = placement(of: document)
        guard case .new(let reference) = placement else { return placement }
        documents[reference] = document.revised(as: reference.revision)
        highest[reference.name] = reference.revision
        return placement
    }

    /// Adds the field of one revision, as it is written to the hash.
    package static func encode(_ document: PipelineDocument, into buffer: inout FieldBuffer) {
        buffer.add(document.pipeline.reference.description, document.canonical)
    }
}
