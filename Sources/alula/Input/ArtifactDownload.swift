import Client
import Digest
import Domain
import Glibc

/// Downloads files and directories, checked against their digests.
struct ArtifactDownload {
    let client: AlulaClient
    let progress: Progress

    /// `-` is standard output; gives the bytes.
    ///
    /// What an interrupted download has got is hashed and gone on from.
    func getFile(_ digest: ContentDigest, to path: String) async throws -> UInt64 {
        let total = try await client.artifactSize(digest)
        let file = try PartialFile(path, digest)
        let hasher = SHA256Hasher()
        var received = try file.readBack { hasher.update($0) }
        if received > total {
            throw AlulaError.corrupt("\(file.partial) is longer than the artifact: remove it")
        }
        if received < total {
            _ = try await client.getArtifact(digest, from: received) { piece in
                hasher.update(piece)
                try file.write(piece)
                received += UInt64(piece.count)
                progress.show("downloading", done: received, total: total, note: byteText(received))
            }
        }
        guard hasher.finish() == digest else {
            file.discard()
            throw AlulaError.corrupt("what was downloaded does not have the digest \(digest)")
        }
        try file.finish()
        return received
    }

    /// Writes the files of a directory beneath a new one, and nothing outside of it.
    func getDirectory(_ digest: ContentDigest, to path: String) async throws -> UInt64 {
        guard path != "-" else { throw AlulaError.invalid("a directory is not written to -") }
        guard unsafe access(path, F_OK) != 0 else {
            throw AlulaError.invalid("\(path) is there already: name a directory that is not")
        }
        var manifest: [UInt8] = []
        _ = try await client.getArtifact(digest, from: 0) { piece in
            manifest += piece
            guard manifest.count <= Limits.manifestBytes else {
                throw AlulaError.invalid("artifact \(digest) is not a directory")
            }
        }
        guard SHA256Hasher.digest(of: manifest) == digest else {
            throw AlulaError.corrupt("what was downloaded does not have the digest \(digest)")
        }
        // It has no path that leads out: reading it has checked that.
        let directory = try ArtifactDirectory(manifest: manifest)
        let work = path + ".\(digest.description.prefix(16)).part"
        var bytes: UInt64 = 0
        for file in directory.files {
            let target = work + "/" + file.path
            try Self.makeParents(of: target, from: work)
            if Self.size(target) != file.bytes { _ = try await getFile(file.digest, to: target) }
            bytes += file.bytes
        }
        guard unsafe rename(work, path) == 0 else {
            throw AlulaError.invalid(
                "cannot name \(path): \(unsafe String(cString: strerror(errno)))"
            )
        }
        return bytes
    }

    private static func size(_ path: String) -> UInt64? {
        var found = stat()
        guard unsafe lstat(path, &found) == 0, found.st_mode & S_IFMT == S_IFREG else { return nil }
        return UInt64(found.st_size)
    }

    private static func makeParents(of path: String, from root: String) throws(AlulaError) {
        unsafe mkdir(root, 0o755)
        var made = root
        for name in path.dropFirst(root.count + 1).split(separator: "/").dropLast() {
            made += "/" + name
            guard unsafe mkdir(made, 0o755) == 0 || errno == EEXIST else {
                throw .invalid("cannot make \(made): \(unsafe String(cString: strerror(errno)))")
            }
        }
    }
}

/// A file that appears under its name when it is complete, and whose beginning stays when it is not.
private final class PartialFile {
    private let path: String
    let partial: String
    private let descriptor: Int32
    private var isStandardOutput: Bool { path == "-" }

    init(_ path: String, _ digest: ContentDigest) throws(AlulaError) {
        self.path = path
        partial = path + "." + digest.description.prefix(16) + ".part"
        guard path != "-" else {
            descriptor = STDOUT_FILENO
            return
        }
        descriptor = unsafe open(partial, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Self.failure(partial) }
    }

    deinit { if !isStandardOutput { close(descriptor) } }

    /// Hands over what is there already; gives how much.
    func readBack(_ body: ([UInt8]) -> Void) throws(AlulaError) -> UInt64 {
        guard !isStandardOutput else { return 0 }
        var total: UInt64 = 0
        while true {
            var count = 0
            let piece = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, filled in
                count = unsafe Glibc.read(descriptor, buffer.baseAddress, 1 << 20)
                filled = max(0, count)
            }
            guard count >= 0 else { throw Self.failure(partial) }
            guard count > 0 else { return total }
            body(piece)
            total += UInt64(count)
        }
    }

    func write(_ bytes: [UInt8]) throws(AlulaError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            guard written >= 0 || errno == EINTR else { throw Self.failure(path) }
            rest = rest.dropFirst(max(0, written))
        }
    }

    /// Gives the file its name.
    func finish() throws(AlulaError) {
        guard !isStandardOutput else { return }
        guard unsafe rename(partial, path) == 0 else { throw Self.failure(path) }
    }

    func discard() { if !isStandardOutput { unsafe unlink(partial) } }

    private static func failure(_ path: String) -> AlulaError {
        .invalid("cannot write \(path): \(unsafe String(cString: strerror(errno)))")
    }
}
