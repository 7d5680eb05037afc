import Headway

/// The pipeline of `deploy/pipelines/book.json` as a Swift type.
enum Book: PipelineContract {
    static let name = "book"

    enum Stage: String, CaseIterable, Sendable {
        case analyzing = "ANALYZING"
        case generatingScenes = "GENERATING_SCENES"
        case creatingArtwork = "CREATING_ARTWORK"

        /// What it owns of the whole, for pacing.
        var share: ClosedRange<Int> {
            switch self {
            case .analyzing: 0...20
            case .generatingScenes: 20...50
            case .creatingArtwork: 50...100
            }
        }
    }

    static var definition: [UInt8] { PackageResources.book_json }
}
