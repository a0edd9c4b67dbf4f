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

    /// Runs, newest first; an empty experiment means all.
    package func runs(experiment: String = "", limit: UInt32 = 0) async throws -> [WireRun] {
        var request = WireListRunsRequest()
        request.experiment = experiment
        request.limit = limit
        return try await call(.listRuns, request, answer: WireRuns.self).0.runs
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

    /// The versions of a model, newest first.
    package func versions(of model: String) async throws -> [WireModelVersion] {
        var request = WireListVersionsRequest()
        request.model = model
        return try await call(.listVersions, request, answer: WireVersions.self).0.versions
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

    /// Entries of the audit log behind a number, oldest first.
    package func audit(
        after: UInt64 = 0,
        limit: UInt32 = 0,
        object: String = ""
    ) async throws -> [WireAuditEntry] {
        var request = WireListAuditRequest()
        request.after = after
        request.limit = limit
        request.object = object
        return try await call(.listAudit, request, answer: WireAuditEntries.self).0.entries
    }
}
