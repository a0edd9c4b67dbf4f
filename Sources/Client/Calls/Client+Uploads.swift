package import Domain
import NIOCore
package import Wire

/// Large artifacts, in parts.
extension AlulaClient {
    /// Bytes of an artifact beyond which it is sent in parts.
    package static let partBytes = UInt64(Limits.artifactPartBytes)

    /// Begins an upload in parts, or finds one that was begun before.
    package func beginUpload(bytes: UInt64, resuming upload: String = "") async throws -> WireUpload
    {
        var request = WireBeginUploadRequest()
        request.bytes = bytes
        request.upload = upload
        return try await call(.beginUpload, request, answer: WireUpload.self).0
    }

    /// Sends one part; `pieces` gives its bytes, anew where the connection was lost, each call the
    /// next piece of at most `artifactPieceBytes` and an empty one at the end.
    package func putPart(
        _ part: UInt32,
        of upload: String,
        pieces: @escaping () throws -> (() throws -> [UInt8])
    ) async throws {
        var request = WirePutPartRequest()
        request.upload = upload
        request.part = part
        _ = try await stream(
            .putPart,
            request,
            upload: { upload in
                let next = try pieces()
                while true {
                    let piece = try next()
                    guard !piece.isEmpty,
                        try await upload.send(WireArtifactChunk(), ByteBuffer(bytes: piece))
                    else { return }
                }
            },
            answer: WireUpload.self
        ) { (_: WireArtifactChunk, _) in }
    }

    /// Names what was uploaded, if it has this digest.
    package func finishUpload(_ upload: String, _ digest: ContentDigest) async throws {
        var request = WireFinishUploadRequest()
        request.upload = upload
        request.digest = digest.description
        _ = try await stream(.finishUpload, request, answer: WireArtifact.self) {
            (_: WireEmpty, _) in
        }
    }

    /// Downloads bytes of an artifact from an offset on, piece by piece; gives its size.
    package func getArtifact(
        _ digest: ContentDigest,
        from offset: UInt64,
        onPiece: @escaping ([UInt8]) throws -> Void
    ) async throws -> UInt64 {
        var request = WireArtifactRequest()
        request.digest = digest.description
        request.offset = offset
        return try await stream(.getArtifact, request, answer: WireArtifact.self) {
            (_: WireArtifactChunk, data) in
            try onPiece(Array(data.readableBytesView))
        }.0.bytes
    }

    /// Removes what no record refers to, or one artifact.
    package func collectGarbage(_ request: WireCollectGarbageRequest) async throws -> WireGarbage {
        try await stream(.collectGarbage, request, answer: WireGarbage.self) {
            (_: WireEmpty, _) in
        }.0
    }
}
