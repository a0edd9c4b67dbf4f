package import Domain
import NIOCore
package import Wire

extension AlulaClient {
    /// Adds predictions, or outcomes, to logged vectors: columns `id`, `value`, and of outcomes `time`.
    package func logValues(
        model: String,
        _ rows: RecordBatch,
        areOutcomes: Bool
    ) async throws -> WireLogValuesResponse {
        var request = WireLogValuesRequest()
        request.model = model
        request.schema = WireSchema(rows.schema)
        return try await call(
            areOutcomes ? .logOutcomes : .logPredictions,
            request,
            data: Batches.encode(rows),
            answer: WireLogValuesResponse.self
        ).0
    }

    /// Logged vectors with their predictions and outcomes; the schema may change between batches.
    package func scanPredictions(
        _ request: WireScanPredictionsRequest,
        onBatch: @escaping (RecordBatch) async throws -> Void
    ) async throws -> WireScanPredictionsResponse {
        var batches = BatchStream()
        return try await stream(
            .scanPredictions,
            request,
            answer: WireScanPredictionsResponse.self
        ) { (item: WireScanPredictionsItem, data) in
            if item.hasSchema { batches = BatchStream() }
            try await onBatch(try batches.take(item.hasSchema ? item.schema : nil, data))
        }.0
    }

    /// Sets what share of keys is kept, and for how long.
    package func setPredictionLog(
        _ request: WireSetPredictionLogRequest
    ) async throws -> WirePredictionLog {
        try await call(.setPredictionLog, request, answer: WirePredictionLog.self).0
    }

    /// What is logged of one model, or of all.
    package func predictionLogs(model: String = "") async throws -> WirePredictionLogs {
        var request = WireShowPredictionLogRequest()
        request.model = model
        return try await call(.showPredictionLog, request, answer: WirePredictionLogs.self).0
    }

    /// What was served against what history says.
    package func skew(_ request: WireSkewRequest) async throws -> WireSkewResponse {
        try await call(.skew, request, answer: WireSkewResponse.self).0
    }
}
