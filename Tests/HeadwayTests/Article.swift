@testable import Headway

enum Article: PipelineContract {
    static let name = "article"
    enum Stage: String, CaseIterable { case research, writing, seo }

    static let json = """
        {"name": "article", "heartbeat": "1s", "lostAfter": "10s", "maxAttempts": 2, "stages": [
          {"id": "research", "label": "Researching", "range": [0, 33]},
          {"id": "writing", "label": "Writing", "range": [33, 66]},
          {"id": "seo", "range": [66, 100]}]}
        """
}

enum Book: PipelineContract {
    static let name = "book"
    enum Stage: String, CaseIterable { case outline, page, cover }

    static let json = """
        {"name": "book", "stages": [
          {"id": "outline", "range": [0, 10]},
          {"id": "page", "range": [10, 90], "indexed": true},
          {"id": "cover", "range": [90, 100]}]}
        """
}
