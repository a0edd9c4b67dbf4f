public import Domain
import NIOCore
import Wire

extension AlulaClient {
    /// Bytes of one piece of an artifact.
    public static let artifactPieceBytes = 512 << 10

    /// Uploads an artifact.
    ///
    /// `pieces` gives its bytes, each call the next piece of at most `artifactPieceBytes` and an
    /// empty one at the end; it is asked for anew where the connection was lost. True where the
    /// server had it already.
    public func putArtifact(
        _ digest: ContentDigest,
        bytes: UInt64,
        pieces: @escaping () throws -> (() throws -> [UInt8])
    ) async throws -> Bool {
        var request = WirePutArtifactRequest()
        request.digest = digest.description
        request.bytes = bytes
        let upload: (Upload) async throws -> Void = { upload in
            let next = try pieces()
            while true {
                let piece = try next()
                guard !piece.isEmpty,
                    try await upload.send(WireArtifactChunk(), ByteBuffer(bytes: piece))
                else { return }
            }
        }
        return try await stream(
            .putArtifact,
            request,
            upload: upload,
            answer: WireArtifact.self
        ) { (_: WireArtifactChunk, _) in }.0.existed
    }

    /// The size of an artifact.
    public func artifactSize(_ digest: ContentDigest) async throws -> UInt64 {
        var request = WireArtifactRequest()
        request.digest = digest.description
        return try await call(.statArtifact, request, answer: WireArtifact.self).0.bytes
    }

    /// Downloads an artifact piece by piece; whoever calls hashes the bytes and compares.
    public func getArtifact(
        _ digest: ContentDigest,
        onPiece: @escaping ([UInt8]) throws -> Void
    ) async throws -> UInt64 {
        var request = WireArtifactRequest()
        request.digest = digest.description
        return try await stream(
            .getArtifact,
            request,
            answer: WireArtifact.self
        ) { (_: WireArtifactChunk, data) in
            try onPiece(Array(data.readableBytesView))
        }.0.bytes
    }
}
