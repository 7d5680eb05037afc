import HeadwayCore

/// A set of jobs that are counted together: "X of Y".
public struct Bulk: Sendable {
    private let behind: any Backing
    private let bulkID: BulkID

    /// Its id, as it was opened.
    public var id: String { bulkID.description }

    init(_ behind: any Backing, _ id: BulkID) {
        self.behind = behind
        bulkID = id
    }

    /// Fixes the total: the bulk settles when that many jobs have ended. Once more does nothing.
    ///
    /// - Parameter total: may be left out when it was declared at the opening.
    /// - Throws: ``HeadwayError`` with `invalid` or `closed`.
    public func seal(total: Int? = nil) async throws {
        try await behind.publish(ProgressEvent(bulkID, .sealed(total: total)), called: "Bulk \(id)")
    }

    /// Asks to cancel the bulk: jobs that wait are cancelled, running ones when their worker notices.
    public func cancel() async throws {
        try await behind.publish(ProgressEvent(bulkID, .cancelRequested), called: "Bulk \(id)")
    }
}

extension HeadwayBus {
    /// Opens a bulk. Jobs name it when they are queued or started, before or after; opening it again does nothing.
    ///
    /// - Parameters:
    ///   - id: 1 to 200 letters, digits or `. _ : @ -`.
    ///   - total: how many jobs there will be, if it is known; until the bulk is sealed it is only declared.
    ///   - label: what people call it, at most 200 characters.
    /// - Throws: ``HeadwayError`` with `invalid` or `closed`.
    public func openBulk(_ id: String, total: Int? = nil, label: String? = nil) async throws -> Bulk {
        let bulk = try bulk(id)
        guard let bulkID = BulkID(id) else { throw HeadwayError.id(id, of: "bulk") }
        try await behind.publish(
            ProgressEvent(bulkID, .opened(total: total, label: label)), called: "Bulk \(id)")
        return bulk
    }

    /// A bulk that was opened elsewhere, for sealing or cancelling it.
    public func bulk(_ id: String) throws -> Bulk {
        guard let bulkID = BulkID(id) else { throw HeadwayError.id(id, of: "bulk") }
        return Bulk(behind, bulkID)
    }

    /// Asks to cancel one job, wherever it runs. Its worker notices within about a second, and may heed it.
    public func requestCancel(job id: String, message: String? = nil) async throws {
        try await behind.publish(
            ProgressEvent(JobID.checked(id), .cancelRequested(message: message)), called: "Job \(id)")
    }
}
