package import Domain
import NIOCore
package import Wire

extension AlulaClient {
    /// The rows of a spine, on their way to be joined.
    package struct SpineUpload {
        let upload: Upload

        /// Sends rows; false where the server has ended the call: send no more.
        package func send(_ rows: RecordBatch) async throws -> Bool {
            try await upload.send(WireSpineChunk(), Batches.encode(rows))
        }
    }

    /// Makes a training set.
    ///
    /// `spine` sends all rows of the spine, and may be run again from its start; `onBatch` takes
    /// the rows of the answer in the spine's order.
    package func makeTrainingSet(
        _ request: WireMakeTrainingSetRequest,
        spine: @escaping (SpineUpload) async throws -> Void,
        onBatch: @escaping (RecordBatch) async throws -> Void
    ) async throws -> WireTrainingSet {
        var batches = BatchStream()
        return try await stream(
            .makeTrainingSet,
            request,
            upload: { try await spine(SpineUpload(upload: $0)) },
            answer: WireTrainingSet.self
        ) { (item: WireBatchItem, data) in
            try await onBatch(try batches.take(item.hasSchema ? item.schema : nil, data))
        }.0
    }

    /// Makes a recorded training set again; the server checks that its digest is the same.
    ///
    /// A set that lost history since is refused, unless `incomplete` is wanted: then the answer
    /// says what is missing.
    package func trainingSet(
        _ id: String,
        incomplete: Bool = false,
        onBatch: @escaping (RecordBatch) async throws -> Void
    ) async throws -> WireTrainingSet {
        var request = WireTrainingSetRequest()
        request.id = id
        request.incomplete = incomplete
        var batches = BatchStream()
        return try await stream(
            .getTrainingSet,
            request,
            answer: WireTrainingSet.self
        ) { (item: WireBatchItem, data) in
            try await onBatch(try batches.take(item.hasSchema ? item.schema : nil, data))
        }.0
    }

    /// The newest sets first, at most `limit` of them.
    package func trainingSets(limit: Int = .max) async throws -> [WireTrainingSet] {
        var request = WireListTrainingSetsRequest()
        return try await pages(limit) { rest, token in
            request.limit = rest
            request.pageToken = token
            let page = try await self.call(
                .listTrainingSets,
                request,
                answer: WireTrainingSets.self
            ).0
            return (page.sets, page.nextPageToken)
        }
    }

    /// What is recorded of a training set, without its rows.
    package func trainingSetRecord(_ id: String) async throws -> WireTrainingSet {
        var request = WireTrainingSetRequest()
        request.id = id
        return try await call(.showTrainingSet, request, answer: WireTrainingSet.self).0
    }
}
