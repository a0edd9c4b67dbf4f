import Artifacts
import Domain
import NIOCore
import Wire

extension Dispatcher {
    /// Streams to a temporary file and names it by its digest.
    ///
    /// Content that is there already need not be sent: the answer says so before the upload is
    /// read.
    func putArtifact(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WirePutArtifactRequest.self, from: call.control)
        let digest = try ContentDigest(hex: request.digest)
        if let bytes = try services.artifacts.durableSize(of: digest) {
            return try Answer(WireArtifact(digest, bytes: bytes, existed: true))
        }
        try services.room.require(request.bytes, for: "the artifact")
        let writer = try services.artifacts.writer()
        do {
            var received: UInt64 = 0
            while let upload = try call.nextUpload() {
                received += UInt64(upload.data.readableBytes)
                guard received <= request.bytes else {
                    throw AlulaError.invalid(
                        "the artifact is longer than the \(request.bytes) bytes announced"
                    )
                }
                try writer.append(Array(upload.data.readableBytesView))
            }
            guard received == request.bytes else {
                throw AlulaError.invalid(
                    "the artifact is cut short: \(received) of \(request.bytes) bytes came"
                )
            }
            let stored = try writer.finish(expecting: digest)
            return try Answer(
                WireArtifact(stored.digest, bytes: stored.bytes, existed: stored.existed)
            )
        } catch {
            writer.abandon()
            throw error
        }
    }

    func statArtifact(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireArtifactRequest.self, from: call.control)
        let (digest, bytes) = try artifact(request.digest)
        return try Answer(WireArtifact(digest, bytes: bytes, existed: true))
    }

    func getArtifact(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireArtifactRequest.self, from: call.control)
        let (digest, bytes) = try artifact(request.digest)
        try services.artifacts.read(digest, chunkBytes: Limits.frameBytes / 2) { chunk in
            try call.send(data: .init(bytes: chunk))
        }
        return try Answer(WireArtifact(digest, bytes: bytes, existed: true))
    }

    private func artifact(_ hex: String) throws -> (ContentDigest, UInt64) {
        let digest = try ContentDigest(hex: hex)
        guard let bytes = try services.artifacts.size(of: digest) else {
            throw AlulaError.notFound("there is no artifact \(digest)")
        }
        return (digest, bytes)
    }
}

extension WireArtifact {
    fileprivate init(_ digest: ContentDigest, bytes: UInt64, existed: Bool) {
        self.init()
        self.digest = digest.description
        self.bytes = bytes
        self.existed = existed
    }
}
