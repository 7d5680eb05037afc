import HTTPServer
import HeadwayCore

extension ReadAPI {
    /// Every route there is.
    static let router = Router([
        Route(.get, "/v1/jobs/{id}") { api, call throws(Problem) in try await api.job(call) },
        Route(.get, "/v1/jobs") { api, call throws(Problem) in try await api.jobs(call) },
        Route(.post, "/v1/jobs/query", reads: true) { api, call throws(Problem) in
            try await api.queryJobs(call)
        },
        Route(.post, "/v1/jobs") { api, call throws(Problem) in try await api.register(call) },
        Route(.get, "/v1/jobs/{id}/timeline") { api, call throws(Problem) in try await api.timeline(call) },
        Route(.get, "/v1/jobs/{id}/events") { api, call throws(Problem) in
            try await api.stream(call, .job(try call.job()))
        },
        Route(.post, "/v1/jobs/{id}/cancel") { api, call throws(Problem) in try await api.cancelJob(call) },

        Route(.get, "/v1/bulks/{id}") { api, call throws(Problem) in try await api.bulk(call) },
        Route(.get, "/v1/bulks") { api, call throws(Problem) in try await api.bulks(call) },
        Route(.get, "/v1/bulks/{id}/jobs") { api, call throws(Problem) in try await api.members(call) },
        Route(.get, "/v1/bulks/{id}/failures") { api, call throws(Problem) in try await api.failures(call) },
        Route(.get, "/v1/bulks/{id}/blockers") { api, call throws(Problem) in try await api.blockers(call) },
        Route(.get, "/v1/bulks/{id}/events") { api, call throws(Problem) in
            try await api.stream(call, .bulk(try call.bulk()))
        },
        Route(.post, "/v1/bulks/{id}/cancel") { api, call throws(Problem) in try await api.cancelBulk(call) },
        Route(.post, "/v1/bulks/{id}/seal") { api, call throws(Problem) in try await api.sealBulk(call) },

        Route(.get, "/v1/stream") { api, call throws(Problem) in try await api.stream(call) },
        Route(.post, "/v1/streams", reads: true) { api, call throws(Problem) in
            try await api.makeStreamList(call)
        },
        Route(.post, "/v1/events") { api, call throws(Problem) in try await api.takeEvents(call) },

        Route(.get, "/v1/pipelines") { api, call throws(Problem) in try await api.pipelines(call) },
        Route(.put, "/v1/pipelines/{name}") { api, call throws(Problem) in try await api.putPipeline(call) },

        Route(.get, "/v1/aggregators") { api, _ throws(Problem) in try await api.aggregators() },

        Route(.get, "/healthz") { api, _ in await api.healthz() },
        Route(.get, "/readyz") { api, _ in await api.readyz() },
        Route(.get, "/metrics") { api, call in await api.metrics(call) },
        Route(.get, "/openapi.json") { api, call in await api.openAPI(call) },
        Route(.get, "/docs") { api, call throws(Problem) in try api.file("docs.html", call) },
        Route(.get, "/headway.js") { api, call throws(Problem) in try api.element(call) },
        Route(.get, "/") { api, call throws(Problem) in try api.file("index.html", call) },
        Route(.get, "/headway/{file}") { api, call throws(Problem) in try api.asset(call) },
    ])
}
