import Digest
import Disk
package import Domain
import Synchronization

/// The name of an upload: 32 hexadecimal digits, drawn here.
package struct UploadID: Sendable, Hashable, CustomStringConvertible {
    package let description: String

    /// Nil where the text is none.
    package init?(_ text: String) {
        let isName =
            text.utf8.count == 32
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
        guard isName else { return nil }
        description = text
    }

    fileprivate init(drawn bytes: [UInt8]) { description = hexadecimal(bytes) }
}

/// An upload in parts, and which of them are here.
package struct Upload: Sendable, Hashable {
    package var id: UploadID
    package var bytes: UInt64
    package var parts: UInt32
    package var held: [UInt32]

    /// Of one part; the last is shorter.
    package func bytes(of part: UInt32) -> Int {
        let begin = UInt64(part) * UInt64(Limits.artifactPartBytes)
        return Int(min(UInt64(Limits.artifactPartBytes), bytes - begin))
    }

    fileprivate static func parts(of bytes: UInt64) -> UInt32 {
        let part = UInt64(Limits.artifactPartBytes)
        return UInt32(max(1, (bytes + part - 1) / part))
    }
}

/// Large content comes in parts, in any order, several at once; parts that are here stay when the
/// connection or the server is lost.
extension ArtifactStore {
    package func beginUpload(bytes: UInt64) throws(AlulaError) -> Upload {
        guard bytes <= Limits.artifactBytes else {
            throw .invalid("an artifact has at most \(Limits.artifactBytes) bytes, not \(bytes)")
        }
        guard try Files.names(in: uploads).count < Limits.uploads else {
            throw .refused(
                "there are \(Limits.uploads) unfinished uploads",
                help: "finish them, or remove old ones: alula gc"
            )
        }
        let id = UploadID(drawn: try RandomBytes.make(16))
        try Files.makeDirectory(directory(of: id))
        try write(Array(String(bytes).utf8), to: directory(of: id) + "/about")
        return Upload(id: id, bytes: bytes, parts: Upload.parts(of: bytes), held: [])
    }

    /// Without the parts that are here; nil where there is none of this name any more.
    package func upload(_ id: UploadID) throws(AlulaError) -> Upload? {
        guard let about = try File.open(directory(of: id) + "/about"),
            let bytes = UInt64(String(decoding: try about.read(upTo: 20), as: UTF8.self))
        else { return nil }
        return Upload(id: id, bytes: bytes, parts: Upload.parts(of: bytes), held: [])
    }

    /// The upload with the parts that are here, whole.
    package func resumed(_ upload: Upload) throws(AlulaError) -> Upload {
        var upload = upload
        for part in 0..<upload.parts where try list(of: part, in: upload) != nil {
            upload.held.append(part)
        }
        return upload
    }

    /// Takes a part, whose bytes `next` gives until there are none; one that is here already is not
    /// asked for.
    package func putPart(
        _ part: UInt32,
        of upload: Upload,
        next: () throws -> ArraySlice<UInt8>?
    ) throws {
        guard part < upload.parts else {
            throw AlulaError.invalid(
                "the upload has \(upload.parts) parts: there is no part \(part)"
            )
        }
        let state = state(of: upload.id)
        try state.begin(part)
        defer { state.end(part) }
        guard try list(of: part, in: upload) == nil else { return }
        let turn = state.claim(part)
        do {
            let writer = PartWriter(self, whole: turn?.lane)
            while let piece = try next() {
                try writer.append(piece)
                guard writer.bytes <= upload.bytes(of: part) else { break }
            }
            guard writer.bytes == upload.bytes(of: part) else {
                throw AlulaError.invalid(
                    "part \(part) has \(upload.bytes(of: part)) bytes, not \(writer.bytes)"
                )
            }
            try write(try writer.finish().encoded, to: path(of: part, in: upload.id))
            try Files.touch(directory(of: upload.id))
        } catch {
            if turn != nil { state.hashed(false) }
            throw error
        }
        if turn != nil { state.hashed(true) }
        try hashOn(upload, state)
    }

    /// Names what was uploaded; where it does not have this digest, nothing is kept.
    package func finish(
        _ upload: Upload,
        expecting digest: ContentDigest
    ) throws(AlulaError) -> ArtifactWriter.Stored {
        let state = state(of: upload.id)
        try state.beginFinishing()
        defer { state.endFinishing() }
        // Somebody else has brought it meanwhile.
        if let bytes = try hold(digest), bytes == upload.bytes {
            try drop(upload.id)
            return ArtifactWriter.Stored(digest: digest, bytes: bytes, existed: true)
        }
        var chunks: [Chunk] = []
        for part in 0..<upload.parts {
            guard let list = try list(of: part, in: upload) else {
                throw .refused("part \(part) of \(upload.parts) of the upload has not come")
            }
            chunks += list.chunks
        }
        try hashOn(upload, state)
        guard state.hashedParts == upload.parts else {
            throw AlulaError(.internal, "the upload was not hashed to its end")
        }
        let found = state.digest()
        guard found == digest else {
            try drop(upload.id)
            throw .invalid(
                "the artifact does not have its digest: \(digest) was announced, \(upload.bytes) "
                    + "bytes with \(found) arrived",
                help: "send it again from its source"
            )
        }
        let existed = try name(ChunkList(chunks), digest)
        try drop(upload.id)
        return ArtifactWriter.Stored(digest: digest, bytes: upload.bytes, existed: existed)
    }

    /// Removes what is kept of an upload; its chunks are garbage from then on.
    package func drop(_ id: UploadID) throws(AlulaError) {
        hashes.withLock { $0[id.description] = nil }
        try removeUpload(id.description)
    }

    func removeUpload(_ name: String) throws(AlulaError) {
        let directory = uploads + "/" + name
        guard try Files.isDirectory(directory) else { return }
        // Without it there is no upload of this name, so it goes first.
        try Files.remove(directory + "/about")
        for file in try Files.names(in: directory) { try Files.remove(directory + "/" + file) }
        try Files.removeDirectory(directory)
    }
}

extension ArtifactStore {
    /// The chunks of a part; nil where it is not here, whole.
    private func list(of part: UInt32, in upload: Upload) throws(AlulaError) -> ChunkList? {
        let path = path(of: part, in: upload.id)
        guard let size = try Files.size(path), let file = try File.open(path),
            let list = ChunkList(encoded: try file.read(upTo: Int(size))),
            list.bytes == UInt64(upload.bytes(of: part))
        else { return nil }
        for chunk in list.chunks {
            let size = try Files.size(place(ofChunk: chunk.digest).path)
            guard size == UInt64(chunk.bytes) else { return nil }
        }
        return list
    }

    /// Hashes the parts that are here and whose turn it is.
    private func hashOn(_ upload: Upload, _ state: UploadState) throws(AlulaError) {
        while let turn = state.claim(nil) {
            do throws(AlulaError) {
                guard turn.part < upload.parts, let list = try list(of: turn.part, in: upload)
                else {
                    return state.hashed(false, touched: false)
                }
                let chunks = ArtifactReader(.chunks(OpenChunks(list, of: self)))
                var position: UInt64 = 0
                while position < list.bytes {
                    let piece = try chunks.read(upTo: 1 << 20, at: position)
                    turn.lane.add(piece[...])
                    position += UInt64(piece.count)
                }
                state.hashed(true)
            } catch {
                state.hashed(false)
                throw error
            }
        }
    }

    private func name(_ list: ChunkList, _ digest: ContentDigest) throws(AlulaError) -> Bool {
        if let size = try hold(digest), size == list.bytes { return true }
        let path = temporaryPath()
        let file = try File.create(path)
        let encoded = list.encoded
        do throws(AlulaError) {
            try file.write(encoded[...])
            return try naming.name([
                Unnamed(
                    file: file,
                    path: path,
                    place: place(ofListOf: digest),
                    bytes: UInt64(encoded.count)
                )
            ])[0]
        } catch {
            try? Files.remove(path)  // swept later else
            throw error
        }
    }

    private func state(of id: UploadID) -> UploadState {
        hashes.withLock { states in
            if let state = states[id.description] { return state }
            let state = UploadState()
            states[id.description] = state
            return state
        }
    }

    private func directory(of id: UploadID) -> String { uploads + "/" + id.description }

    private func path(of part: UInt32, in id: UploadID) -> String {
        directory(of: id) + "/" + String(part)
    }

    /// Whole or not at all, as far as the process is concerned: after a power cut it is read as
    /// missing where it is damaged.
    private func write(_ bytes: [UInt8], to path: String) throws(AlulaError) {
        let temporary = temporaryPath()
        try File.create(temporary).write(bytes[...])
        try Files.rename(temporary, to: path)
    }
}
