import Disk
import Domain

/// A part of large content on its way into the store: cut into chunks, each hashed as it comes.
///
/// Of one thread at a time. Chunks get their names with `finish`, all together; what is dropped
/// before leaves nothing but files in `tmp`, which it removes.
final class PartWriter {
    /// A chunk that is written; its digest is set by the hash lane.
    private final class Written: @unchecked Sendable {
        let file: File
        let path: String
        var bytes = 0
        // Set on the lane, read after it was drained: that makes it Sendable.
        var digest: ContentDigest?

        init(file: File, path: String) {
            self.file = file
            self.path = path
        }
    }

    private let store: ArtifactStore
    /// Takes the bytes for the hash of the whole.
    private let whole: HashLane?
    private let lane = HashLane()
    private var chunker = Chunker()
    private var written: [Written] = []
    private var isOpen = false
    private(set) var bytes = 0

    init(_ store: ArtifactStore, whole: HashLane?) {
        self.store = store
        self.whole = whole
    }

    deinit {
        // What cannot be removed now is swept when the store is opened.
        for chunk in written { try? Files.remove(chunk.path) }
    }

    func append(_ piece: ArraySlice<UInt8>) throws(AlulaError) {
        whole?.add(piece)
        bytes += piece.count
        var rest = piece
        while !rest.isEmpty {
            let (count, ends) = unsafe rest.withUnsafeBytes { unsafe chunker.take($0) }
            let taken = rest.prefix(count)
            rest = rest.dropFirst(count)
            let chunk = try current()
            try chunk.file.write(taken)
            chunk.bytes += count
            lane.add(taken)
            if ends { end(chunk) }
        }
    }

    /// Names all chunks, durably, and gives their list.
    func finish() throws(AlulaError) -> ChunkList {
        if isOpen, let last = written.last { end(last) }
        lane.drain()
        var chunks: [Chunk] = []
        var unnamed: [Unnamed] = []
        var seen: Set<ContentDigest> = []
        for chunk in written {
            guard let digest = chunk.digest else {
                throw AlulaError(.internal, "a chunk was not hashed")
            }
            chunks.append(Chunk(digest: digest, bytes: chunk.bytes))
            guard seen.insert(digest).inserted else { continue }
            unnamed.append(
                Unnamed(
                    file: chunk.file,
                    path: chunk.path,
                    place: store.place(ofChunk: digest),
                    bytes: UInt64(chunk.bytes)
                )
            )
        }
        _ = try store.naming.name(unnamed)
        return ChunkList(chunks)
    }

    private func current() throws(AlulaError) -> Written {
        if isOpen, let last = written.last { return last }
        let path = store.temporaryPath()
        let chunk = Written(file: try File.create(path), path: path)
        written.append(chunk)
        isOpen = true
        return chunk
    }

    private func end(_ chunk: Written) {
        isOpen = false
        lane.end { [store] digest in
            chunk.digest = digest
            // What is here already is not written a second time.
            let known = try? Files.size(store.place(ofChunk: digest).path)  // then it is written
            if known == nil { chunk.file.startWriting() }
        }
    }
}
