import Digest
import Domain
import Glibc
import Tabular

/// A file that is read more than once: first for its digest, then for its rows.
struct SourceFile {
    let path: String
    let bytes: UInt64
    let digest: ContentDigest

    /// Reads all of it; `onProgress` gets the bytes read so far.
    init(_ path: String, onProgress: (UInt64) -> Void = { _ in }) throws(AlulaError) {
        self.path = path
        let source = try ByteSource.file(path)
        let hasher = SHA256Hasher()
        var bytes: UInt64 = 0
        while true {
            let piece = try source.next()
            guard !piece.isEmpty else { break }
            hasher.update(piece)
            bytes += UInt64(piece.count)
            onProgress(bytes)
        }
        self.bytes = bytes
        digest = hasher.finish()
    }

    /// The last part of the path.
    var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    /// Bytes of a file; 0 where they are not known.
    static func size(_ path: String) -> UInt64 {
        var found = stat()
        guard unsafe stat(path, &found) == 0, found.st_mode & S_IFMT == S_IFREG else { return 0 }
        return UInt64(found.st_size)
    }

    /// All text of a small file.
    static func text(_ path: String, limit: Int) throws(AlulaError) -> String {
        let source = try ByteSource.file(path)
        var bytes: [UInt8] = []
        while true {
            let piece = try source.next()
            guard !piece.isEmpty else { break }
            bytes += piece
            guard bytes.count <= limit else {
                throw .invalid("\(path) is over the limit of \(limit) bytes")
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .invalid("\(path) is not UTF-8 text")
        }
        return text
    }
}

extension Timestamp {
    /// This machine's clock.
    static var now: Timestamp {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }
}
