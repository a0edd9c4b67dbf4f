package import Domain
import NIOCore
package import Wire

extension AlulaClient {
    /// Every row of one entity, oldest first; with `at`, what a join at this time makes of each.
    package func history(
        view: String,
        key: RecordBatch,
        at: Timestamp? = nil,
        asOf: WireAsOf? = nil,
        onBatch: @escaping (RecordBatch) async throws -> Void
    ) async throws -> WireHistoryResponse {
        var request = WireHistoryRequest()
        request.view = view
        request.schema = WireSchema(key.schema)
        if let at { request.atUs = at.microseconds }
        if let asOf { request.asOf = asOf }
        var batches = BatchStream()
        return try await stream(
            .history,
            request,
            data: Batches.encode(key),
            answer: WireHistoryResponse.self
        ) { (item: WireHistoryItem, data) in
            try await onBatch(try batches.take(item.hasSchema ? item.schema : nil, data))
        }.0
    }

    /// The history of a view, or of a span of events, by key and then time.
    package func export(
        _ request: WireExportRequest,
        onBatch: @escaping (RecordBatch) async throws -> Void
    ) async throws -> WireHistoryResponse {
        var batches = BatchStream()
        return try await stream(
            .export,
            request,
            answer: WireHistoryResponse.self
        ) { (item: WireHistoryItem, data) in
            try await onBatch(try batches.take(item.hasSchema ? item.schema : nil, data))
        }.0
    }

    /// For one row of a spine: for each view of the service its candidates, with a verdict each.
    package func explain(
        _ request: WireExplainRequest,
        row: RecordBatch,
        onPart: @escaping (WireExplainItem, RecordBatch) async throws -> Void
    ) async throws -> WireExplainResponse {
        var request = request
        request.schema = WireSchema(row.schema)
        var batches = BatchStream()
        return try await stream(
            .explain,
            request,
            data: Batches.encode(row),
            answer: WireExplainResponse.self
        ) { (item: WireExplainItem, data) in
            let batch = try batches.take(item.hasSchema ? item.schema : nil, data)
            try await onPart(item, batch)
        }.0
    }
}
