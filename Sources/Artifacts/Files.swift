import Domain
import Glibc

/// The system calls on names, with errors that say what failed and where.
enum Files {
    static func makeDirectory(_ path: String) throws(AlulaError) {
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw failure("make the directory", path)
        }
    }

    /// Bytes of a regular file; nil where there is none.
    static func size(_ path: String) throws(AlulaError) -> UInt64? {
        var found = stat()
        guard unsafe lstat(path, &found) == 0 else {
            if errno == ENOENT { return nil }
            throw failure("look at", path)
        }
        guard found.st_mode & S_IFMT == S_IFREG else {
            throw .corrupt("\(path) is not a regular file")
        }
        return UInt64(found.st_size)
    }

    /// Bytes of a regular file, and when it was last written; nil where there is none.
    static func status(_ path: String) throws(AlulaError) -> (bytes: UInt64, modified: Timestamp)? {
        var found = stat()
        guard unsafe lstat(path, &found) == 0 else {
            if errno == ENOENT { return nil }
            throw failure("look at", path)
        }
        guard found.st_mode & S_IFMT == S_IFREG else { return nil }
        return (UInt64(found.st_size), timestamp(found.st_mtim))
    }

    /// When a file or directory was last written; nil where there is none.
    static func modified(_ path: String) throws(AlulaError) -> Timestamp? {
        var found = stat()
        guard unsafe lstat(path, &found) == 0 else {
            if errno == ENOENT { return nil }
            throw failure("look at", path)
        }
        return timestamp(found.st_mtim)
    }

    static func exists(_ path: String) throws(AlulaError) -> Bool { try modified(path) != nil }

    private static func timestamp(_ time: timespec) -> Timestamp {
        Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }

    static func isDirectory(_ path: String) throws(AlulaError) -> Bool {
        var found = stat()
        guard unsafe lstat(path, &found) == 0 else {
            if errno == ENOENT { return false }
            throw failure("look at", path)
        }
        return found.st_mode & S_IFMT == S_IFDIR
    }

    /// Removes a file; one that is gone already is as good.
    static func remove(_ path: String) throws(AlulaError) {
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
    }

    /// Says that the file was written now; false where there is none.
    @discardableResult
    static func touch(_ path: String) throws(AlulaError) -> Bool {
        if unsafe utimensat(AT_FDCWD, path, nil, AT_SYMLINK_NOFOLLOW) == 0 { return true }
        guard errno == ENOENT else { throw failure("touch", path) }
        return false
    }

    /// Removes an empty directory; one that is gone already is as good.
    static func removeDirectory(_ path: String) throws(AlulaError) {
        guard unsafe rmdir(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
    }

    static func rename(_ path: String, to target: String) throws(AlulaError) {
        guard unsafe Glibc.rename(path, target) == 0 else { throw failure("rename", path) }
    }

    /// Makes what was named or removed in a directory durable.
    static func syncDirectory(_ path: String) throws(AlulaError) {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open the directory", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("sync the directory", path) }
    }

    /// The names in a directory but `.` and `..`.
    static func names(in path: String) throws(AlulaError) -> [String] {
        guard let directory = unsafe opendir(path) else { throw failure("list", path) }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// What the last system call reported.
    static func failure(_ act: String, _ path: String) -> AlulaError {
        let number = errno
        let reason = unsafe String(cString: strerror(number))
        let isFull = number == ENOSPC || number == EDQUOT
        return AlulaError(
            isFull ? .resourceExhausted : .internal,
            "cannot \(act) \(path): \(reason)",
            help: isFull ? "free some space on the data disk" : ""
        )
    }
}
