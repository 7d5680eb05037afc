extension HTTPResponse {
    /// What a liveness probe is told: 200 when everything moves, 503 with the names of what stands still.
    ///
    /// - Parameter parts: names of parts of this process.
    package static func health(stuck parts: [String]) -> HTTPResponse {
        var json = Array(#"{"status":"\#(parts.isEmpty ? "ok" : "stuck")""#.utf8)
        if !parts.isEmpty {
            json += #","parts":["#.utf8
            for (place, part) in parts.enumerated() {
                if place > 0 { json.append(UInt8(ascii: ",")) }
                appendJSON(part, to: &json)
            }
            json.append(UInt8(ascii: "]"))
        }
        json.append(UInt8(ascii: "}"))
        return .json(json, status: parts.isEmpty ? 200 : 503, headers: [("Cache-Control", "no-store")])
    }
}
