import Digest
package import Domain
import Glibc

/// The system calls on files, with errors that say what failed and where.
package enum Files {
    static let pieceBytes = 1 << 20

    package static func makeDirectory(_ path: String) throws(AlulaError) {
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw failure("make the directory", path)
        }
    }

    /// Makes the directory and those above it, down from one that is there.
    static func makeDirectories(
        _ parts: some Sequence<Substring>,
        in root: String
    ) throws(AlulaError) {
        var path = root
        for part in parts {
            path += "/" + part
            try makeDirectory(path)
        }
    }

    /// Bytes of a regular file; nil where there is none.
    package static func size(_ path: String) throws(AlulaError) -> UInt64? {
        var found = stat()
        guard unsafe lstat(path, &found) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw failure("look at", path)
        }
        guard found.st_mode & S_IFMT == S_IFREG else {
            throw .corrupt("\(path) is not a regular file")
        }
        return UInt64(found.st_size)
    }

    /// Whether there is anything under this name.
    package static func exists(_ path: String) -> Bool {
        var found = stat()
        return unsafe lstat(path, &found) == 0
    }

    package static func isDirectory(_ path: String) -> Bool {
        var found = stat()
        return unsafe lstat(path, &found) == 0 && found.st_mode & S_IFMT == S_IFDIR
    }

    /// The names in a directory but `.` and `..`, sorted; none where there is no directory.
    package static func names(in path: String) throws(AlulaError) -> [String] {
        guard let directory = unsafe opendir(path) else {
            if errno == ENOENT { return [] }
            throw failure("list", path)
        }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Paths of all regular files under a directory, relative to it, sorted.
    package static func tree(_ path: String, _ inner: String = "") throws(AlulaError) -> [String] {
        var found: [String] = []
        for name in try names(in: inner.isEmpty ? path : path + "/" + inner) {
            let relative = inner.isEmpty ? name : inner + "/" + name
            if isDirectory(path + "/" + relative) {
                found += try tree(path, relative)
            } else {
                found.append(relative)
            }
        }
        return found
    }

    /// Removes a file; one that is gone already is as good.
    package static func remove(_ path: String) throws(AlulaError) {
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
    }

    /// Removes a directory with all that is in it; links are not followed.
    package static func removeTree(_ path: String) throws(AlulaError) {
        guard exists(path) else { return }
        guard isDirectory(path) else { return try remove(path) }
        for name in try names(in: path) { try removeTree(path + "/" + name) }
        guard unsafe rmdir(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
    }

    package static func rename(_ path: String, to target: String) throws(AlulaError) {
        guard unsafe Glibc.rename(path, target) == 0 else { throw failure("rename", path) }
    }

    /// Gives a file a second name; false where it cannot have one there.
    static func link(_ path: String, to target: String) throws(AlulaError) -> Bool {
        if unsafe Glibc.link(path, target) == 0 { return true }
        switch errno {
        case EXDEV, EPERM, EMLINK, ENOTSUP: return false
        case EEXIST: return true
        default: throw failure("link", path)
        }
    }

    /// Makes what was named or removed in a directory durable.
    package static func syncDirectory(_ path: String) throws(AlulaError) {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open the directory", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("sync the directory", path) }
    }

    /// Makes the directory's own name durable, unless who may not look into the one above it asks: then
    /// somebody else has made it.
    static func syncParent(of path: String) throws(AlulaError) {
        let parent = DataFormat.parent(of: path)
        guard unsafe access(parent, R_OK) == 0 || errno != EACCES else { return }
        try syncDirectory(parent)
    }

    /// All bytes of a small file; nil where there is none.
    package static func contents(_ path: String, limit: UInt64) throws(AlulaError) -> [UInt8]? {
        guard let size = try size(path) else { return nil }
        guard size <= limit else { throw .corrupt("\(path) has \(size) bytes, which is too many") }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(size))
        try read(path) { (piece: [UInt8]) throws(AlulaError) in
            guard bytes.count + piece.count <= limit else { throw .corrupt("\(path) grows") }
            bytes += piece
        }
        return bytes
    }

    /// Writes a new file whole and durable under its name, or not at all.
    package static func replace(_ path: String, with bytes: [UInt8]) throws(AlulaError) {
        let temporary = path + ".new"
        try remove(temporary)
        do throws(AlulaError) {
            let file = try NewFile(temporary)
            try file.write(bytes)
            try file.sync()
            try rename(temporary, to: path)
        } catch {
            // The first failure is the one to tell.
            try? remove(temporary)
            throw error
        }
    }

    /// Hands the bytes of a file to the body in pieces of a mebibyte, the last one shorter.
    static func read(
        _ path: String,
        _ body: ([UInt8]) throws(AlulaError) -> Void
    ) throws(AlulaError) {
        let descriptor = unsafe open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", path) }
        defer { close(descriptor) }
        // So that what is checked is what the disk has, as far as it is not on its way there.
        _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
        while true {
            var (number, piece) = (0, [UInt8]())
            piece = unsafe [UInt8](unsafeUninitializedCapacity: pieceBytes) { buffer, filled in
                filled = 0
                while filled < pieceBytes {
                    let start = unsafe buffer.baseAddress.map { unsafe $0 + filled }
                    let count = unsafe Glibc.read(descriptor, start, pieceBytes - filled)
                    if count < 0, errno == EINTR { continue }
                    if count < 0 { number = Int(errno) }
                    guard count > 0 else { return }
                    filled += count
                }
            }
            guard number == 0 else { throw failure("read", path, Int32(number)) }
            guard !piece.isEmpty else { return }
            try body(piece)
        }
    }

    static func failure(_ act: String, _ path: String, _ number: Int32 = errno) -> AlulaError {
        let reason = unsafe String(cString: strerror(number))
        let isFull = number == ENOSPC || number == EDQUOT || number == EFBIG
        return AlulaError(
            isFull ? .resourceExhausted : .internal,
            "cannot \(act) \(path): \(reason)",
            help: isFull ? "free some space on its disk, then do it again" : "",
            retry: .never
        )
    }
}

/// A file that is being written; closed when it is dropped.
package final class NewFile {
    private let descriptor: Int32
    private let path: String

    /// Throws where the name is taken.
    package init(_ path: String) throws(AlulaError) {
        self.path = path
        descriptor = unsafe open(
            path,
            O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC,
            0o600
        )
        guard descriptor >= 0 else { throw Files.failure("create", path) }
    }

    deinit { close(descriptor) }

    package func write(_ bytes: [UInt8]) throws(AlulaError) {
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(
                    descriptor,
                    $0.baseAddress.map { unsafe $0 + written },
                    $0.count - written
                )
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Files.failure("write", path) }
            written += count
        }
    }

    package func sync() throws(AlulaError) {
        guard fsync(descriptor) == 0 else { throw Files.failure("sync", path) }
    }
}
