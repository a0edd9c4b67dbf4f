package import Wire

extension AlulaClient {
    package func startRun(_ request: WireStartRunRequest) async throws -> WireRun {
        try await call(.startRun, request, answer: WireRun.self).0
    }

    /// Adds params, metrics and tags to a run.
    package func logRun(_ request: WireLogRunRequest) async throws {
        _ = try await call(.logRun, request, answer: WireEmpty.self)
    }

    /// Ends a run as `finished` or `failed`.
    package func endRun(_ id: String, status: String) async throws -> WireRun {
        var request = WireEndRunRequest()
        request.run = id
        request.status = status
        return try await call(.endRun, request, answer: WireRun.self).0
    }

    /// A run with the last point of each metric, or with `everyPoint`.
    package func run(_ id: String, everyPoint: Bool = false) async throws -> WireRun {
        var request = WireGetRunRequest()
        request.run = id
        request.history = everyPoint
        return try await call(.getRun, request, answer: WireRun.self).0
    }

    /// The newest runs first, at most `limit` of them; an empty experiment means all.
    package func runs(experiment: String = "", limit: Int = 100) async throws -> [WireRun] {
        var request = WireListRunsRequest()
        request.experiment = experiment
        return try await pages(limit) { rest, token in
            request.limit = rest
            request.pageToken = token
            let page = try await self.call(.listRuns, request, answer: WireRuns.self).0
            return (page.runs, page.nextPageToken)
        }
    }

    /// Fetches pages until there are `limit` items, or no more.
    func pages<Item>(
        _ limit: Int,
        _ fetch: (UInt32, String) async throws -> (items: [Item], next: String)
    ) async throws -> [Item] {
        var items: [Item] = []
        var token = ""
        repeat {
            let page = try await fetch(UInt32(clamping: min(limit - items.count, 1_000)), token)
            items += page.items
            token = page.next
        } while !token.isEmpty && items.count < limit
        return items
    }

    /// Registers the next version of a model; its artifacts are uploaded before.
    package func registerVersion(
        _ request: WireRegisterVersionRequest
    ) async throws -> WireModelVersion {
        try await call(.registerVersion, request, answer: WireModelVersion.self).0
    }

    package func models() async throws -> [WireRegisteredModel] {
        try await call(.listModels, WireHeadOnly(), answer: WireModels.self).0.models
    }

    /// The newest versions of a model first, at most `limit` of them.
    package func versions(
        of model: String,
        limit: Int = .max
    ) async throws -> [WireModelVersion] {
        var request = WireListVersionsRequest()
        request.model = model
        return try await pages(limit) { rest, token in
            request.limit = rest
            request.pageToken = token
            let page = try await self.call(.listVersions, request, answer: WireVersions.self).0
            return (page.versions, page.nextPageToken)
        }
    }

    package func version(_ version: UInt32, of model: String) async throws -> WireModelVersion {
        var request = WireResolveVersionRequest()
        request.model = model
        request.version = version
        return try await call(.resolveVersion, request, answer: WireModelVersion.self).0
    }

    /// The version that holds a stage.
    package func version(in stage: String, of model: String) async throws -> WireModelVersion {
        var request = WireResolveVersionRequest()
        request.model = model
        request.stage = stage
        return try await call(.resolveVersion, request, answer: WireModelVersion.self).0
    }

    /// The version that an alias points at.
    package func version(alias: String, of model: String) async throws -> WireModelVersion {
        var request = WireResolveVersionRequest()
        request.model = model
        request.alias = alias
        return try await call(.resolveVersion, request, answer: WireModelVersion.self).0
    }

    /// Moves a version into a stage if the gate lets it; a refusal is an answer with its reasons.
    package func promote(_ request: WirePromoteRequest) async throws -> WirePromoteResponse {
        try await call(.promote, request, answer: WirePromoteResponse.self).0
    }

    /// Gives a stage back to the version that held it before.
    package func rollback(
        model: String,
        stage: String,
        reason: String
    ) async throws -> WirePromoteResponse {
        var request = WireRollbackRequest()
        request.model = model
        request.stage = stage
        request.reason = reason
        return try await call(.rollback, request, answer: WirePromoteResponse.self).0
    }

    /// What a version was made of, step by step, down to the data.
    package func lineage(model: String, version: UInt32) async throws -> WireLineage {
        var request = WireLineageRequest()
        request.model = model
        request.version = version
        return try await call(.lineage, request, answer: WireLineage.self).0
    }

    /// What a run read and made, and the versions that were registered from it.
    package func lineage(run: String) async throws -> WireLineage {
        var request = WireLineageRequest()
        request.run = run
        return try await call(.lineage, request, answer: WireLineage.self).0
    }
}
