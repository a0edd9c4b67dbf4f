package import Domain
import Glibc

/// The system calls on names, with errors that say what failed and where.
package enum Files {
    package static func makeDirectory(_ path: String) throws(AlulaError) {
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw failure("make the directory", path)
        }
    }

    /// Makes the directory and those above it, down from one that is there.
    package static func makeDirectories(
        _ parts: some Sequence<Substring>,
        in root: String
    ) throws(AlulaError) {
        var path = root
        for part in parts {
            path += "/" + part
            try makeDirectory(path)
        }
    }

    /// What there is under this name, links not followed; nil where there is nothing.
    private static func look(_ path: String) throws(AlulaError) -> stat? {
        var found = stat()
        guard unsafe lstat(path, &found) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw failure("look at", path)
        }
        return found
    }

    /// Bytes of a regular file; nil where there is none.
    package static func size(_ path: String) throws(AlulaError) -> UInt64? {
        guard let found = try look(path) else { return nil }
        guard found.st_mode & S_IFMT == S_IFREG else {
            throw .corrupt("\(path) is not a regular file")
        }
        return UInt64(found.st_size)
    }

    /// Bytes of a regular file, and when it was last written; nil where there is none.
    package static func status(
        _ path: String
    ) throws(AlulaError) -> (bytes: UInt64, modified: Timestamp)? {
        guard let found = try look(path), found.st_mode & S_IFMT == S_IFREG else { return nil }
        return (UInt64(found.st_size), timestamp(found.st_mtim))
    }

    /// When a file or directory was last written; nil where there is none.
    package static func modified(_ path: String) throws(AlulaError) -> Timestamp? {
        try look(path).map { timestamp($0.st_mtim) }
    }

    private static func timestamp(_ time: timespec) -> Timestamp {
        Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }

    /// Whether there is anything under this name.
    package static func exists(_ path: String) throws(AlulaError) -> Bool { try look(path) != nil }

    package static func isDirectory(_ path: String) throws(AlulaError) -> Bool {
        guard let found = try look(path) else { return false }
        return found.st_mode & S_IFMT == S_IFDIR
    }

    /// The names in a directory but `.` and `..`, sorted; none where there is no directory.
    package static func namesIfAny(in path: String) throws(AlulaError) -> [String] {
        try exists(path) ? names(in: path) : []
    }

    /// The names in a directory but `.` and `..`, sorted.
    package static func names(in path: String) throws(AlulaError) -> [String] {
        guard let directory = unsafe opendir(path) else { throw failure("list", path) }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(directory) else {
                // The end, or a listing that broke off.
                guard errno == 0 else { throw failure("list", path) }
                break
            }
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
        for name in try namesIfAny(in: inner.isEmpty ? path : path + "/" + inner) {
            let relative = inner.isEmpty ? name : inner + "/" + name
            if try isDirectory(path + "/" + relative) {
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

    /// Removes an empty directory; one that is gone already is as good.
    package static func removeDirectory(_ path: String) throws(AlulaError) {
        guard unsafe rmdir(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
    }

    /// Removes a directory with all that is in it; links are not followed.
    package static func removeTree(_ path: String) throws(AlulaError) {
        guard try exists(path) else { return }
        guard try isDirectory(path) else { return try remove(path) }
        for name in try namesIfAny(in: path) { try removeTree(path + "/" + name) }
        try removeDirectory(path)
    }

    /// Says that the file was written now; false where there is none.
    @discardableResult
    package static func touch(_ path: String) throws(AlulaError) -> Bool {
        if unsafe utimensat(AT_FDCWD, path, nil, AT_SYMLINK_NOFOLLOW) == 0 { return true }
        guard errno == ENOENT else { throw failure("touch", path) }
        return false
    }

    package static func rename(_ path: String, to target: String) throws(AlulaError) {
        guard unsafe Glibc.rename(path, target) == 0 else { throw failure("rename", path) }
    }

    /// Gives a file a second name; false where it cannot have one there.
    package static func link(_ path: String, to target: String) throws(AlulaError) -> Bool {
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

    /// The directory that a path is in, by its words.
    package static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Makes the directory's own name durable, unless who may not look into the one above it asks: then
    /// somebody else has made it.
    package static func syncParent(of path: String) throws(AlulaError) {
        let parent = parent(of: path)
        guard unsafe access(parent, R_OK) == 0 || errno != EACCES else { return }
        try syncDirectory(parent)
    }

    /// What the last system call reported.
    package static func failure(_ act: String, _ path: String) -> AlulaError {
        let number = errno
        let reason = unsafe String(cString: strerror(number))
        let isFull = number == ENOSPC || number == EDQUOT || number == EFBIG
        return AlulaError(
            isFull ? .resourceExhausted : .internal,
            "cannot \(act) \(path): \(reason)",
            help: isFull ? "free some space on its disk, then do it again" : ""
        )
    }
}
