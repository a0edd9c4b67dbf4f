import Domain
import Glibc

/// An open file; closed when it is dropped.
final class File: Sendable {
    private let descriptor: Int32
    private let path: String

    private init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    /// Makes a new file that only this user may read; throws where the name is taken or is a link.
    static func create(_ path: String) throws(AlulaError) -> File {
        let descriptor = unsafe Glibc.open(
            path,
            O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC,
            0o600
        )
        guard descriptor >= 0 else { throw Files.failure("create", path) }
        return File(descriptor: descriptor, path: path)
    }

    /// Opens for reading; nil where there is no such file.
    static func open(_ path: String) throws(AlulaError) -> File? {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        if descriptor < 0, errno == ENOENT { return nil }
        guard descriptor >= 0 else { throw Files.failure("open", path) }
        return File(descriptor: descriptor, path: path)
    }

    func write(_ bytes: [UInt8]) throws(AlulaError) {
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

    /// The next bytes, as many as asked for unless the file ends; empty at its end.
    func read(upTo limit: Int) throws(AlulaError) -> [UInt8] {
        var failure: AlulaError?
        let chunk = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, filled in
            filled = 0
            while filled < limit {
                let count = unsafe Glibc.read(
                    descriptor,
                    buffer.baseAddress.map { unsafe $0 + filled },
                    limit - filled
                )
                if count < 0, errno == EINTR { continue }
                if count < 0 { failure = Files.failure("read", path) }
                guard count > 0 else { return }
                filled += count
            }
        }
        if let failure { throw failure }
        return chunk
    }

    /// Makes the file read-only and durable.
    func sealAndSync() throws(AlulaError) {
        guard fchmod(descriptor, 0o400) == 0 else { throw Files.failure("seal", path) }
        guard fsync(descriptor) == 0 else { throw Files.failure("sync", path) }
    }
}
