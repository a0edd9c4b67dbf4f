package import Domain
import NIOCore
package import Wire

extension AlulaClient {
    /// Begins an import, or finds the one that these options and this source have begun before.
    package func beginImport(
        _ request: WireBeginImportRequest
    ) async throws -> WireBeginImportResponse {
        try await call(.beginImport, request, answer: WireBeginImportResponse.self).0
    }

    /// The chunks of an import, on their way to be staged.
    package struct ChunkUpload {
        let upload: Upload

        /// Sends a chunk; false where the server has ended the call: send no more.
        package func send(
            _ rows: RecordBatch,
            chunk: UInt64,
            firstRow: UInt64
        ) async throws -> Bool {
            var item = WireStageChunk()
            item.chunk = chunk
            item.firstRow = firstRow
            return try await upload.send(item, Batches.encode(rows))
        }
    }

    /// Stages chunks of rows, each durable when its progress arrives.
    ///
    /// A lost connection is an error: begin the import again and go on from its next chunk.
    package func stageRows(
        importID: String,
        schema: Schema,
        onProgress: @escaping (WireStageProgress) async throws -> Void,
        upload: @escaping (ChunkUpload) async throws -> Void
    ) async throws -> WireStageProgress {
        var request = WireStageRowsRequest()
        request.importID = importID
        request.schema = WireSchema(schema)
        return try await stream(
            .stageRows,
            request,
            isRepeatable: false,
            upload: { try await upload(ChunkUpload(upload: $0)) },
            answer: WireStageProgress.self
        ) { (progress: WireStageProgress, _) in
            try await onProgress(progress)
        }.0
    }

    /// Makes all staged rows visible at once.
    package func publishImport(_ importID: String) async throws -> WirePublishImportResponse {
        var request = WirePublishImportRequest()
        request.importID = importID
        return try await call(.publishImport, request, answer: WirePublishImportResponse.self).0
    }

    /// All of them, page by page, in the order in which they began.
    package func imports() async throws -> [WireImportRecord] {
        var request = WireListImportsRequest()
        request.limit = 1_000
        var found: [WireImportRecord] = []
        repeat {
            let page = try await call(.listImports, request, answer: WireImportsResponse.self).0
            found += page.imports
            request.pageToken = page.nextPageToken
        } while !request.pageToken.isEmpty
        return found
    }
}
