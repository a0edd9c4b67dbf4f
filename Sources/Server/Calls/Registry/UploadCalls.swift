import Artifacts
import Domain
import NIOCore
import Registry
import Wire

/// Artifacts that come in parts.
extension Dispatcher {
    func beginUpload(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireBeginUploadRequest.self, from: call.control)
        if let id = UploadID(request.upload), let upload = try services.artifacts.upload(id),
            upload.bytes == request.bytes
        {
            return try Answer(WireUpload(try services.artifacts.resumed(upload)))
        }
        try services.room.require(request.bytes, for: "the artifact")
        return try Answer(WireUpload(try services.artifacts.beginUpload(bytes: request.bytes)))
    }

    func putPart(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WirePutPartRequest.self, from: call.control)
        let upload = try upload(request.upload)
        try services.artifacts.putPart(request.part, of: upload) {
            try call.nextUpload().map { Array($0.data.readableBytesView)[...] }
        }
        return try Answer(WireUpload(upload))
    }

    func finishUpload(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireFinishUploadRequest.self, from: call.control)
        let digest = try ContentDigest(hex: request.digest)
        let id = UploadID(request.upload)
        guard try id.flatMap(services.artifacts.upload) != nil else {
            // A repeat of a call that has finished it.
            if let bytes = try services.artifacts.hold(digest) {
                return try Answer(WireArtifact(digest, bytes: bytes, existed: true))
            }
            throw Self.noUpload
        }
        let stored = try services.artifacts.finish(try upload(request.upload), expecting: digest)
        return try Answer(
            WireArtifact(stored.digest, bytes: stored.bytes, existed: stored.existed)
        )
    }

    private func upload(_ text: String) throws -> Upload {
        guard let id = UploadID(text), let upload = try services.artifacts.upload(id) else {
            throw Self.noUpload
        }
        return upload
    }

    private static var noUpload: AlulaError {
        .notFound(
            "there is no upload of this name (any more)",
            help: "begin a new one; what nobody goes on with is removed by alula gc"
        )
    }
}

extension WireUpload {
    fileprivate init(_ upload: Upload) {
        self.init()
        self.upload = upload.id.description
        partBytes = UInt64(Limits.artifactPartBytes)
        parts = upload.parts
        held = upload.held
    }
}
