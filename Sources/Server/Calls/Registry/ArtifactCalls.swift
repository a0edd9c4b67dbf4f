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
        let asked = request.length == 0 ? bytes : request.length
        let end = min(bytes, asked > bytes - request.offset ? bytes : request.offset + asked)
        try send(try services.artifacts.reader(of: digest), request.offset..<end, call)
        return try Answer(WireArtifact(digest, bytes: bytes, existed: true))
    }

    /// Pieces are read into memory that is used again once it has been sent.
    private func send(
        _ content: ArtifactReader,
        _ range: Range<UInt64>,
        _ call: Call
    ) throws(AlulaError) {
        var pieces = [ByteBuffer](repeating: ByteBuffer(), count: Call.framesAhead + 1)
        var position = range.lowerBound
        var turn = 0
        while position < range.upperBound {
            let wanted = Int(min(UInt64(Limits.frameBytes / 2), range.upperBound - position))
            pieces[turn].clear(minimumCapacity: wanted)
            let count = unsafe try pieces[turn].fill(wanted) { memory throws(AlulaError) in
                unsafe try content.read(into: memory, at: position)
            }
            guard count > 0 else { return }
            try call.send(data: pieces[turn])
            position += UInt64(count)
            turn = (turn + 1) % pieces.count
        }
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

extension ByteBuffer {
    /// Appends as many bytes as `body` says that it has put into memory for `count` of them.
    fileprivate mutating func fill(
        _ count: Int,
        _ body: (UnsafeMutableRawBufferPointer) throws(AlulaError) -> Int
    ) throws(AlulaError) -> Int {
        var result = Result<Int, AlulaError>.success(0)
        unsafe writeWithUnsafeMutableBytes(minimumWritableBytes: count) { memory in
            result = Result { () throws(AlulaError) in
                unsafe try body(.init(rebasing: memory[..<count]))
            }
            return (try? result.get()) ?? 0  // thrown below
        }
        return try result.get()
    }
}
