import Dashboard
import HTTPServer
import HeadwayWire

extension ReadAPI {
    /// `GET /openapi.json`, as the pipelines are now. Asks Redis only as long as no pipeline was ever read.
    func openAPI(_ call: RouteCall) async -> HTTPResponse {
        let (generation, shelf) = await currentShelf()
        let document: OpenAPIDocument
        if let made = openAPIDocument, made.generation == generation {
            document = made.document
        } else {
            document = OpenAPIDocument(shelf)
            openAPIDocument = (generation, document)
        }
        let headers = [("ETag", document.tag), ("Cache-Control", "no-cache")]
        if let tags = call.request.header("If-None-Match"), Self.names(tags, document.tag) {
            return HTTPResponse(status: 304, headers: headers)
        }
        return .json(document.bytes, headers: headers)
    }

    /// `GET /headway.js`: for pages of every origin, since it holds nothing of anybody's.
    nonisolated func element(_ call: RouteCall) throws(Problem) -> HTTPResponse {
        var response = try file("headway.js", call)
        response.headers += [Self.everyOrigin, ("Cross-Origin-Resource-Policy", "cross-origin")]
        return response
    }
}
