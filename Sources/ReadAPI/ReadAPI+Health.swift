import HTTPServer
import HeadwayCore

extension ReadAPI {
    /// Whether everything in this process moves. Says nothing of Redis, or an outage would have every instance
    /// restarted.
    func healthz() async -> HTTPResponse { .health(stuck: await options.stuck()) }

    /// Whether to send traffic here: Redis answers, every partition is listened to, and where they stand was
    /// seen lately.
    func readyz() async -> HTTPResponse {
        let health = await hub.health
        let isFresh = health.sinceLook.map { $0 <= options.readiness } ?? false
        let isReady = isFresh && health.isListening && !isDraining
        var json = JSONWriter(capacity: 200)
        json.beginObject()
        json.field("status", isDraining ? "draining" : isReady ? "ready" : "not ready")
        json.field("redis", isFresh)
        json.field("subscription", health.isListening)
        json.field("positionAgeMs", health.sinceLook.map { Int($0.wholeMilliseconds) })
        // Not a reason to turn anybody away: what is served says so itself.
        json.field("stalePartitions", health.stalePartitions)
        json.endObject()
        return .json(
            json.bytes, status: isReady ? 200 : 503,
            headers: [("Cache-Control", "no-store")] + (isReady ? [] : [("Retry-After", "1")]))
    }

    /// `GET /v1/aggregators`: who is at work, who owns what, and how far behind it is. Whether somebody lives shows
    /// in what moves, and this instance looks twice a second.
    func aggregators() async throws(Problem) -> HTTPResponse {
        let report = try await ask { reader throws(ReadError) in try await reader.aggregators() }
        var json = JSONWriter(capacity: 256 + report.partitions.count * 250)
        report.write(to: &json)
        return .json(json.bytes, headers: [("Cache-Control", "no-store")])
    }
}
