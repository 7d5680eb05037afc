import HTTPServer

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
        return document.content.answer(call.request, type: "application/json")
    }

    /// `GET /headway.js`: for pages of every origin, since it holds nothing of anybody's.
    nonisolated func element(_ call: RouteCall) throws(Problem) -> HTTPResponse {
        var response = try file("headway.js", call)
        response.headers += [Self.everyOrigin, ("Cross-Origin-Resource-Policy", "cross-origin")]
        return response
    }
}
