package import Domain
import NIOCore
package import Wire

extension AlulaClient {
    /// Applies retention and merges the segments of each view; no views means all of the project.
    package func compact(
        _ views: [String],
        dryRun: Bool = false,
        onProgress: @escaping (WireCompactProgress) async throws -> Void
    ) async throws -> WireCompactResponse {
        var request = WireCompactRequest()
        request.views = views
        request.dryRun = dryRun
        return try await stream(
            .compact,
            request,
            answer: WireCompactResponse.self
        ) { (progress: WireCompactProgress, _) in
            try await onProgress(progress)
        }.0
    }

    /// Checks all that the server stores, of all projects.
    package func verify(
        onProgress: @escaping (WireVerifyProgress) async throws -> Void
    ) async throws -> WireVerifyResponse {
        try await stream(
            .verify,
            WireHeadOnly(),
            answer: WireVerifyResponse.self
        ) { (progress: WireVerifyProgress, _) in
            try await onProgress(progress)
        }.0
    }

    /// Frees what an import has staged; gives the rows that it had.
    package func abandonImport(_ importID: String) async throws -> UInt64 {
        var request = WireAbandonImportRequest()
        request.importID = importID
        return try await call(.abandonImport, request, answer: WireAbandonImportResponse.self).0
            .rows
    }

    /// Hides the rows of an import or of some log entries, and restores the online rows behind them.
    package func retract(
        _ request: WireRetractRequest,
        onProgress: @escaping (WireRetractProgress) async throws -> Void
    ) async throws -> WireRetractResponse {
        try await stream(
            .retract,
            request,
            answer: WireRetractResponse.self
        ) { (progress: WireRetractProgress, _) in
            try await onProgress(progress)
        }.0
    }

    /// Forgets all rows of one key of an entity; they are gone from the files when this returns.
    package func forget(
        entity: String,
        key: RecordBatch,
        dryRun: Bool = false,
        onProgress: @escaping (WireForgetProgress) async throws -> Void
    ) async throws -> WireForgetResponse {
        var request = WireForgetRequest()
        request.entity = entity
        request.schema = WireSchema(key.schema)
        request.dryRun = dryRun
        return try await stream(
            .forget,
            request,
            data: Batches.encode(key),
            answer: WireForgetResponse.self
        ) { (progress: WireForgetProgress, _) in
            try await onProgress(progress)
        }.0
    }
}
