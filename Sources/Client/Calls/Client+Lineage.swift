package import Wire

/// Search, lineage, comparison.
extension AlulaClient {
    /// Runs for which the expression is true, at most `limit` of them.
    package func searchRuns(
        where expression: String,
        order: String = "",
        experiment: String = "",
        limit: Int = 100
    ) async throws -> [WireRun] {
        var request = WireSearchRunsRequest()
        request.where = expression
        request.order = order
        request.experiment = experiment
        return try await pages(limit) { rest, token in
            request.limit = rest
            request.pageToken = token
            let page = try await self.call(.searchRuns, request, answer: WireRuns.self).0
            return (page.runs, page.nextPageToken)
        }
    }

    /// Versions of a model, or of all, for which the expression is true, at most `limit` of them.
    package func searchVersions(
        of model: String = "",
        where expression: String,
        order: String = "",
        limit: Int = 100
    ) async throws -> [WireModelVersion] {
        var request = WireSearchVersionsRequest()
        request.model = model
        request.where = expression
        request.order = order
        return try await pages(limit) { rest, token in
            request.limit = rest
            request.pageToken = token
            let page = try await self.call(.searchVersions, request, answer: WireVersions.self).0
            return (page.versions, page.nextPageToken)
        }
    }

    /// What was made of something.
    package func trace(_ request: WireTraceRequest) async throws -> WireTrace {
        try await call(.trace, request, answer: WireTrace.self).0
    }

    /// What differs between two versions of a model.
    package func diff(
        model: String,
        before: UInt32,
        after: UInt32
    ) async throws -> WireVersionDiff {
        var request = WireDiffVersionsRequest()
        request.model = model
        request.before = before
        request.after = after
        return try await call(.diffVersions, request, answer: WireVersionDiff.self).0
    }

    /// What the gate of a stage would say of a version, and how it differs from the holder; an
    /// empty stage is the next one.
    package func report(
        model: String,
        candidate: UInt32,
        stage: String = ""
    ) async throws -> WireReport {
        var request = WireReportRequest()
        request.model = model
        request.candidate = candidate
        request.stage = stage
        return try await call(.report, request, answer: WireReport.self).0
    }
}
