import CDisk
package import Domain
import Glibc

/// An open file; closed when it is dropped.
package final class File: Sendable {
    private let descriptor: Int32
    private let path: String

    private init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    /// Makes a new file that only this user may read; throws where the name is taken or is a link.
    package static func create(_ path: String) throws(AlulaError) -> File {
        let descriptor = unsafe Glibc.open(
            path,
            O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC,
            0o600
        )
        guard descriptor >= 0 else { throw Files.failure("create", path) }
        return File(descriptor: descriptor, path: path)
    }

    /// Opens for reading; nil where there is no such file.
    package static func open(_ path: String) throws(AlulaError) -> File? {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        if descriptor < 0, errno == ENOENT { return nil }
        guard descriptor >= 0 else { throw Files.failure("open", path) }
        return File(descriptor: descriptor, path: path)
    }

    package func write(_ bytes: ArraySlice<UInt8>) throws(AlulaError) {
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

    /// Fills the buffer from an offset on, as far as the file goes.
    package func read(
        into buffer: UnsafeMutableRawBufferPointer,
        at offset: UInt64
    ) throws(AlulaError) -> Int {
        var filled = 0
        while filled < buffer.count {
            let count = unsafe Glibc.pread(
                descriptor,
                buffer.baseAddress.map { unsafe $0 + filled },
                buffer.count - filled,
                off_t(offset) + off_t(filled)
            )
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Files.failure("read", path) }
            guard count > 0 else { break }
            filled += count
        }
        return filled
    }

    /// Bytes from an offset on, as many as asked for unless the file ends.
    package func read(upTo limit: Int, at offset: UInt64 = 0) throws(AlulaError) -> [UInt8] {
        unsafe try Files.bytes(upTo: limit) { buffer throws(AlulaError) in
            unsafe try read(into: buffer, at: offset)
        }
    }

    /// Makes the file read-only.
    package func seal() throws(AlulaError) {
        guard fchmod(descriptor, 0o400) == 0 else { throw Files.failure("seal", path) }
    }

    /// Lets the disk begin to write what is in memory of the file; nothing is promised.
    package func startWriting() { _ = sync_file_range(descriptor, 0, 0, Self.rangeWrite) }

    /// Lets the system forget what it has in memory of the file; nothing is promised.
    func leaveMemory() { _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) }

    package func sync() throws(AlulaError) {
        guard fsync(descriptor) == 0 else { throw Files.failure("sync", path) }
    }

    // https://man7.org/linux/man-pages/man2/sync_file_range.2.html
    private static let rangeWrite: UInt32 = 2
}
