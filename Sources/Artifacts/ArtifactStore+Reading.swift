import Digest
import Disk
package import Domain

extension ArtifactStore {
    /// The first bytes of this content, as the disk gives them; none where it is not here.
    package func firstBytes(of digest: ContentDigest, _ count: Int) throws(AlulaError) -> [UInt8] {
        guard let content = try open(digest) else { return [] }
        return try content.read(upTo: count, at: 0)
    }

    /// All of the content; throws where it is not here, or has more bytes than the limit.
    package func content(of digest: ContentDigest, limit: Int) throws(AlulaError) -> [UInt8] {
        guard let content = try open(digest) else { throw Self.missing(digest) }
        let bytes = try content.read(upTo: limit + 1, at: 0)
        guard bytes.count <= limit else {
            throw .invalid("artifact \(digest) has more than \(limit) bytes")
        }
        return bytes
    }

    /// Hands the content to `body` in order, in chunks of `chunkBytes`, the last one shorter.
    ///
    /// Throws `notFound` where it is not here. The bytes are as the disk gave them: whoever needs
    /// to be sure compares their hash.
    package func read(
        _ digest: ContentDigest,
        from offset: UInt64 = 0,
        length: UInt64 = .max,
        chunkBytes: Int,
        body: ([UInt8]) throws -> Void
    ) throws {
        let content = try reader(of: digest)
        var position = offset
        let end = length > .max - offset ? .max : offset + length
        while position < end {
            let wanted = Int(min(UInt64(chunkBytes), end - position))
            let bytes = try content.read(upTo: wanted, at: position)
            guard !bytes.isEmpty else { return }
            position += UInt64(bytes.count)
            try body(bytes)
        }
    }

    /// The content, opened; throws `notFound` where it is not here.
    package func reader(of digest: ContentDigest) throws(AlulaError) -> ArtifactReader {
        guard let content = try open(digest) else { throw Self.missing(digest) }
        return content
    }

    private static func missing(_ digest: ContentDigest) -> AlulaError {
        .notFound(
            "there is no artifact \(digest)",
            help: "upload it first, or check the digest"
        )
    }

    /// Nil where it is not here.
    private func open(_ digest: ContentDigest) throws(AlulaError) -> ArtifactReader? {
        if let file = try File.open(place(of: digest).path) { return ArtifactReader(.whole(file)) }
        guard let list = try chunkList(of: digest) else { return nil }
        return ArtifactReader(.chunks(OpenChunks(list, of: self)))
    }

    /// The chunks of large content; nil where it is small or not here.
    func chunkList(of digest: ContentDigest) throws(AlulaError) -> ChunkList? {
        try chunkList(at: place(ofListOf: digest).path, of: digest)
    }

    func chunkList(at path: String, of digest: ContentDigest) throws(AlulaError) -> ChunkList? {
        guard let size = try Files.size(path), let file = try File.open(path) else { return nil }
        guard let list = ChunkList(encoded: try file.read(upTo: Int(size))) else {
            throw .corrupt("the list of the chunks of artifact \(digest) is damaged")
        }
        return list
    }
}

/// Content that is read from any place on; of one thread at a time.
///
/// The bytes are as the disk gives them.
package final class ArtifactReader {
    enum Content {
        case whole(File)
        case chunks(OpenChunks)
    }

    private let content: Content

    init(_ content: Content) { self.content = content }

    /// Fills the buffer from an offset on, as far as the content goes, and says how far.
    package func read(
        into buffer: UnsafeMutableRawBufferPointer,
        at offset: UInt64
    ) throws(AlulaError) -> Int {
        switch content {
        case .whole(let file): unsafe try file.read(into: buffer, at: offset)
        case .chunks(let chunks): unsafe try chunks.read(into: buffer, at: offset)
        }
    }

    func read(upTo limit: Int, at offset: UInt64) throws(AlulaError) -> [UInt8] {
        unsafe try Files.bytes(upTo: limit) { buffer throws(AlulaError) in
            unsafe try read(into: buffer, at: offset)
        }
    }
}

/// Large content that is read from one place on; of one thread.
final class OpenChunks {
    private let chunks: [Chunk]
    /// Where each chunk begins, and where the last ends.
    private let starts: [UInt64]
    private let store: ArtifactStore
    private var opened: (index: Int, file: File)?

    init(_ list: ChunkList, of store: ArtifactStore) {
        chunks = list.chunks
        starts = list.chunks.reduce(into: [0]) { $0.append($0[$0.count - 1] + UInt64($1.bytes)) }
        self.store = store
    }

    /// Fills the buffer unless the content ends before.
    func read(
        into buffer: UnsafeMutableRawBufferPointer,
        at offset: UInt64
    ) throws(AlulaError) -> Int {
        guard offset < starts[chunks.count] else { return 0 }
        let wanted = Int(min(UInt64(buffer.count), starts[chunks.count] - offset))
        var index = index(of: offset)
        var filled = 0
        while filled < wanted {
            let position = offset + UInt64(filled)
            let length = min(Int(starts[index + 1] - position), wanted - filled)
            let count = unsafe try file(index).read(
                into: .init(rebasing: buffer[filled..<(filled + length)]),
                at: position - starts[index]
            )
            guard count == length else {
                throw .corrupt("chunk \(chunks[index].digest) of an artifact is cut short")
            }
            filled += length
            index += 1
        }
        return filled
    }

    /// Of the chunk in which this place lies.
    private func index(of offset: UInt64) -> Int {
        var (low, high) = (0, chunks.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= offset { low = middle } else { high = middle }
        }
        return low
    }

    private func file(_ index: Int) throws(AlulaError) -> File {
        if let opened, opened.index == index { return opened.file }
        let digest = chunks[index].digest
        guard let file = try File.open(store.place(ofChunk: digest).path) else {
            throw .corrupt("chunk \(digest) of an artifact is missing")
        }
        opened = (index, file)
        return file
    }
}
