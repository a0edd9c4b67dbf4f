import Artifacts
import Domain
import NIOCore
import Wire

extension Dispatcher {
    /// Takes an artifact in one stream and names it by its digest.
    ///
    /// Content that is there already need not be sent: the answer says so before the upload is
    /// read.
    func putArtifact(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WirePutArtifactRequest.self, from: call.control)
        let digest = try ContentDigest(hex: request.digest)
        if let bytes = try services.artifacts.hold(digest), bytes == request.bytes {
            return try Answer(WireArtifact(digest, bytes: bytes, existed: true))
        }
        try services.room.require(request.bytes, for: "the artifact")
        let writer = try LargeWriter(services.artifacts, bytes: request.bytes)
        let stored = try writer.write(expecting: digest) {
            try call.nextUpload().map { Array($0.data.readableBytesView) }
        }
        return try Answer(
            WireArtifact(stored.digest, bytes: stored.bytes, existed: stored.existed)
        )
    }

    func statArtifact(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireArtifactRequest.self, from: call.control)
        let (digest, bytes) = try artifact(request.digest)
        return try Answer(WireArtifact(digest, bytes: bytes, existed: true))
    }

    func getArtifact(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireArtifactRequest.self, from: call.control)
        let (digest, bytes) = try artifact(request.digest)
        guard request.offset <= bytes else {
            throw AlulaError.invalid(
                "artifact \(digest) has \(bytes) bytes: there is nothing from \(request.offset) on"
            )
        }
        try services.artifacts.read(
            digest,
            from: request.offset,
            length: request.length == 0 ? .max : request.length,
            chunkBytes: Limits.frameBytes / 2
        ) { chunk in
            try call.send(data: .init(bytes: chunk))
        }
        return try Answer(WireArtifact(digest, bytes: bytes, existed: true))
    }

    private func artifact(_ hex: String) throws -> (ContentDigest, UInt64) {
        let digest = try ContentDigest(hex: hex)
        guard let bytes = try services.artifacts.hold(digest) else {
            throw AlulaError.notFound("there is no artifact \(digest)")
        }
        return (digest, bytes)
    }
}

extension WireArtifact {
    init(_ digest: ContentDigest, bytes: UInt64, existed: Bool) {
        self.init()
        self.digest = digest.description
        self.bytes = bytes
        self.existed = existed
    }
}
