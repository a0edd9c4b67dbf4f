public import Domain
import NIOCore
import Synchronization
package import Wire

extension AlulaClient {
    /// Writes rows of a view: its join keys and features by name, `@event_time` and, if known,
    /// `@created_time`.
    ///
    /// What is accepted is durable, and online where it is the newest of its key, when this
    /// returns. At most 1 MiB of rows at once.
    public func push(_ rows: RecordBatch, to view: FeatureViewName) async throws -> PushOutcome {
        var request = WirePushRequest()
        request.view = view.text
        request.schema = WireSchema(rows.schema)
        let (answer, _) = try await call(
            .push,
            request,
            data: Batches.encode(rows),
            answer: WirePushResponse.self
        )
        return try PushOutcome(wire: answer)
    }

    /// Reads the vectors of entities as they are now: one row for each row of key columns and
    /// request fields, in their order.
    public func read(
        _ service: FeatureServiceReference,
        _ keys: RecordBatch
    ) async throws -> FeatureVectors {
        var request = WireReadRequest()
        request.service = service.description
        return try await read(request, as: service.description, keys)
    }

    /// As above, of the service version that a version of a model was trained on.
    public func read(
        model: RegisteredModelName,
        version: UInt32,
        _ keys: RecordBatch
    ) async throws -> FeatureVectors {
        var request = WireReadRequest()
        request.model = model.text
        request.version = version
        // No name of a service has a slash.
        return try await read(request, as: "\(model)/\(version)", keys)
    }

    private func read(
        _ request: WireReadRequest,
        as name: String,
        _ keys: RecordBatch
    ) async throws -> FeatureVectors {
        let cached = plans.withLock { $0[name] }
        var request = request
        request.schema = WireSchema(keys.schema)
        request.knownPlan = cached?.id ?? 0
        var pieces = ReadAnswer(plan: cached)
        let (answer, data) = try await stream(
            .read,
            request,
            data: Batches.encode(keys),
            timeout: timeoutMilliseconds,
            answer: WireReadResponse.self
        ) { (item: WireReadResponse, data) in try pieces.take(item, data) }
        let vectors = try pieces.finish(answer, data)
        if let plan = pieces.plan {
            plans.withLock { plans in
                if plans.count >= 256 { plans = [:] }
                plans[name] = plan
            }
        }
        return vectors
    }

    /// Brings the newest published rows to the online store; no views means all of the project.
    package func materialize(
        _ views: [String],
        onProgress: @escaping (WireMaterializeProgress) async throws -> Void
    ) async throws -> WireMaterializeProgress {
        var request = WireMaterializeRequest()
        request.views = views
        return try await stream(
            .materialize,
            request,
            answer: WireMaterializeProgress.self
        ) { (progress: WireMaterializeProgress, _) in
            try await onProgress(progress)
        }.0
    }
}
