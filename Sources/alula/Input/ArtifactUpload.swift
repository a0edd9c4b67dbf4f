import Client
import Digest
import Domain
import Glibc
import Tabular
import Wire

/// Uploads files and directories as far as the server has them not; large files go in parts, several
/// at once, and parts that an interrupted upload has sent are not sent again.
struct ArtifactUpload {
    let client: AlulaClient
    let progress: Progress

    private static let partsAtOnce = 3

    /// What a version or a run is told of it.
    func put(_ path: String) async throws -> WireVersionArtifact {
        var found = stat()
        if unsafe stat(path, &found) == 0, found.st_mode & S_IFMT == S_IFDIR {
            return try await putDirectory(path)
        }
        return try await putFile(path)
    }

    private func putFile(_ path: String) async throws -> WireVersionArtifact {
        let file = try SourceFile(path)
        if file.bytes > AlulaClient.partBytes {
            try await putParts(file)
        } else {
            _ = try await client.putArtifact(file.digest, bytes: file.bytes) {
                try FilePieces(path, from: 0, bytes: file.bytes).next
            }
        }
        progress.show(
            "uploading \(file.name)",
            done: file.bytes,
            total: file.bytes,
            note: byteText(file.bytes)
        )
        return artifact(file.name, file.digest, file.bytes)
    }

    private func putDirectory(_ path: String) async throws -> WireVersionArtifact {
        var files: [ArtifactDirectory.File] = []
        for name in try Self.tree(path) {
            let stored = try await putFile(path + "/" + name)
            files.append(
                .init(
                    path: name,
                    digest: try ContentDigest(hex: stored.digest),
                    bytes: stored.bytes
                )
            )
        }
        let manifest = try ArtifactDirectory(files).manifest
        let digest = SHA256Hasher.digest(of: manifest)
        _ = try await client.putArtifact(digest, bytes: UInt64(manifest.count)) {
            var rest = manifest[...]
            return {
                defer { rest = rest.dropFirst(AlulaClient.artifactPieceBytes) }
                return Array(rest.prefix(AlulaClient.artifactPieceBytes))
            }
        }
        let name = path.split(separator: "/").last.map(String.init) ?? path
        var made = artifact(name, digest, UInt64(manifest.count))
        made.directory = true
        return made
    }

    private func artifact(
        _ name: String,
        _ digest: ContentDigest,
        _ bytes: UInt64
    ) -> WireVersionArtifact {
        var artifact = WireVersionArtifact()
        artifact.name = name
        artifact.digest = digest.description
        artifact.bytes = bytes
        return artifact
    }

    private func putParts(_ file: SourceFile) async throws {
        if let size = try? await client.artifactSize(file.digest), size == file.bytes { return }
        let note = UploadNote(file.digest)
        let upload = try await client.beginUpload(bytes: file.bytes, resuming: note.read())
        note.write(upload.upload)
        let held = Set(upload.held)
        var todo = (0..<upload.parts).filter { !held.contains($0) }[...]
        var done = UInt64(held.count) * upload.partBytes
        try await withThrowingTaskGroup(of: UInt64.self) { [client, progress] group in
            func add() {
                guard let part = todo.popFirst() else { return }
                let offset = UInt64(part) * upload.partBytes
                let bytes = min(upload.partBytes, file.bytes - offset)
                group.addTask { [path = file.path] in
                    try await client.putPart(part, of: upload.upload) {
                        try FilePieces(path, from: offset, bytes: bytes).next
                    }
                    return bytes
                }
            }
            for _ in 0..<Self.partsAtOnce { add() }
            while let bytes = try await group.next() {
                done += bytes
                progress.show(
                    "uploading \(file.name)",
                    done: done,
                    total: file.bytes,
                    note: byteText(done)
                )
                add()
            }
        }
        try await client.finishUpload(upload.upload, file.digest)
        note.forget()
    }

    /// The paths of the files in a directory, within it.
    private static func tree(_ root: String) throws(AlulaError) -> [String] {
        var files: [String] = []
        var waiting = [""]
        while let place = waiting.popLast() {
            guard let directory = unsafe opendir(root + "/" + place) else {
                throw .invalid(
                    "cannot list \(root)/\(place): \(unsafe String(cString: strerror(errno)))"
                )
            }
            defer { unsafe closedir(directory) }
            while let entry = unsafe readdir(directory) {
                let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                    unsafe String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
                }
                guard name != ".", name != ".." else { continue }
                let path = place.isEmpty ? name : place + "/" + name
                var found = stat()
                guard unsafe stat(root + "/" + path, &found) == 0 else {
                    throw .invalid("cannot look at \(root)/\(path)")
                }
                switch found.st_mode & S_IFMT {
                case S_IFDIR:
                    var link = stat()
                    guard unsafe lstat(root + "/" + path, &link) == 0,
                        link.st_mode & S_IFMT == S_IFDIR
                    else {
                        throw .invalid(
                            "\(root)/\(path) is a link to a directory",
                            help: "put a copy in its place"
                        )
                    }
                    waiting.append(path)
                case S_IFREG: files.append(path)
                default: throw .invalid("\(root)/\(path) is neither a file nor a directory")
                }
            }
        }
        return files
    }
}

/// The bytes of a part of a file, piece by piece.
final class FilePieces {
    private let path: String
    private let descriptor: Int32
    private var offset: UInt64
    private var left: UInt64

    init(_ path: String, from offset: UInt64, bytes: UInt64) throws(AlulaError) {
        self.path = path
        self.offset = offset
        left = bytes
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure(path) }
    }

    deinit { close(descriptor) }

    /// The next piece; empty at the end.
    func next() throws -> [UInt8] {
        let wanted = Int(min(UInt64(AlulaClient.artifactPieceBytes), left))
        var count = 0
        let piece = unsafe [UInt8](unsafeUninitializedCapacity: wanted) { buffer, filled in
            count = unsafe pread(descriptor, buffer.baseAddress, wanted, off_t(offset))
            filled = max(0, count)
        }
        guard count >= 0 else { throw Self.failure(path) }
        offset += UInt64(count)
        left -= UInt64(count)
        return piece
    }

    private static func failure(_ path: String) -> AlulaError {
        .invalid("cannot read \(path): \(unsafe String(cString: strerror(errno)))")
    }
}

/// Remembers the upload of content, so that another run of the command goes on with it.
struct UploadNote {
    private let directory: String
    private let path: String

    init(_ digest: ContentDigest) {
        func variable(_ name: String) -> String? {
            guard let value = unsafe getenv(name) else { return nil }
            return unsafe String(cString: value)
        }
        let cache = variable("XDG_CACHE_HOME") ?? (variable("HOME") ?? "/tmp") + "/.cache"
        directory = variable("ALULA_CACHE") ?? cache + "/alula"
        path = directory + "/upload-" + digest.description
    }

    /// Empty where there is none.
    func read() -> String { (try? SourceFile.text(path, limit: 64)) ?? "" }

    /// Without it an interrupted upload begins anew, and that is all.
    func write(_ upload: String) {
        unsafe mkdir(directory, 0o700)
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        _ = unsafe Glibc.write(descriptor, upload, upload.utf8.count)
        close(descriptor)
    }

    func forget() { unsafe unlink(path) }
}
