import Headway

// The five contracts as a team would write them: each is checked against the stored definition at the first start.

enum Page: PipelineContract {
    static let name = "page"
    enum Stage: String, CaseIterable, Sendable {
        case planning = "PLANNING_PAGE"
        case opening = "WRITING_OPENING_PAGE"
        case continuing = "WRITING_CONTINUING_PAGE"
        case analyzing = "ANALYZING_SCENE"
        case restructuring = "RESTRUCTURING_STORY"
    }
}

enum Story: PipelineContract {
    static let name = "story"
    enum Stage: String, CaseIterable, Sendable {
        case outline = "GENERATING_OUTLINE"
        case references = "GENERATING_REFERENCE_IMAGES"
        case page = "GENERATING_PAGE_IMAGE"
    }
}

enum Book: PipelineContract {
    static let name = "book"
    enum Stage: String, CaseIterable, Sendable {
        case analyzing = "ANALYZING"
        case generatingScenes = "GENERATING_SCENES"
        case creatingArtwork = "CREATING_ARTWORK"
    }
}

enum Image: PipelineContract {
    static let name = "image"
    enum Stage: String, CaseIterable, Sendable { case validating, generating, storing, watermarking }
}

enum Article: PipelineContract {
    static let name = "article"
    enum Stage: String, CaseIterable, Sendable { case research, writing, seo }
}
