import Digest
import Disk
import Domain

/// Content by its SHA-256, which all backups of a directory share.
///
/// ```
/// objects/ab/cdef…   the content whose digest is abcdef…
/// tmp/…              what is being written
/// ```
struct ObjectPool {
    let root: String
    let temporary: String

    init(in directory: String) {
        root = directory + "/objects"
        temporary = directory + "/tmp"
    }

    /// Of a digest's 64 hexadecimal digits, which is checked.
    func path(_ digest: String) throws(AlulaError) -> String {
        let digits = try ContentDigest(hex: digest).description
        return root + "/" + digits.prefix(2) + "/" + digits.dropFirst(2)
    }

    func size(_ digest: String) throws(AlulaError) -> UInt64? { try Files.size(path(digest)) }

    /// Names content that is not here yet; durable once its directories are synced.
    func put(_ bytes: [UInt8], digest: String) throws(AlulaError) {
        try put(digest) { (file) throws(AlulaError) in try file.write(bytes[...]) }
    }

    /// Names a file's content and answers how many bytes were written for it.
    ///
    /// It is a second name of the same file where `isLinked` and both lie on one file system, else a copy.
    func put(
        file source: String,
        digest: String,
        isLinked: Bool,
        pace: Pace
    ) throws(AlulaError) -> UInt64 {
        let target = try path(digest)
        try Files.makeDirectory(parent(target))
        if isLinked, try Files.link(source, to: target) { return 0 }
        var bytes: UInt64 = 0
        try put(digest) { (file) throws(AlulaError) in
            let hasher = SHA256Hasher()
            try Files.read(source) { (piece) throws(AlulaError) in
                try file.write(piece[...])
                hasher.update(piece)
                bytes += UInt64(piece.count)
                try pace.took(piece.count, counts: false)
            }
            guard hasher.finish().description == digest else {
                throw .corrupt("\(source) does not have the bytes that it had: it is damaged")
            }
        }
        return bytes
    }

    private func put(
        _ digest: String,
        _ fill: (File) throws(AlulaError) -> Void
    ) throws(AlulaError) {
        let target = try path(digest)
        let path = temporary + "/" + digest
        try Files.remove(path)
        do throws(AlulaError) {
            let file = try File.create(path)
            try fill(file)
            try file.sync()
            try Files.makeDirectory(parent(target))
            try Files.rename(path, to: target)
        } catch {
            // The first failure is the one to tell; what is left is swept by the next backup.
            try? Files.remove(path)
            throw error
        }
    }

    /// Hands the content to the body and answers whether it has its digest; false where it is not here.
    func read(
        _ digest: String,
        pace: Pace,
        _ body: ([UInt8]) throws(AlulaError) -> Void = { _ in }
    ) throws(AlulaError) -> Bool {
        let path = try path(digest)
        guard try Files.size(path) != nil else { return false }
        let hasher = SHA256Hasher()
        try Files.read(path) { (piece) throws(AlulaError) in
            hasher.update(piece)
            try body(piece)
            try pace.took(piece.count)
        }
        return hasher.finish().description == digest
    }

    /// Makes the names of these durable.
    func sync(_ digests: Set<String>) throws(AlulaError) {
        for prefix in Set(digests.map { $0.prefix(2) }) {
            try Files.syncDirectory(root + "/" + prefix)
        }
        try Files.syncDirectory(root)
    }

    /// Digests of all that is here, and paths of what is no content.
    func all() throws(AlulaError) -> [String] {
        var found: [String] = []
        for directory in try Files.namesIfAny(in: root) {
            for name in try Files.namesIfAny(in: root + "/" + directory) {
                found.append(directory + name)
            }
        }
        return found
    }

    private func parent(_ path: String) -> String {
        String(path.prefix(path.count - 63))
    }
}
