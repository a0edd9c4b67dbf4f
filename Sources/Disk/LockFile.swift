package import Domain
import Glibc

/// A file that one process at a time holds, for as long as this lives; those that it starts do not
/// inherit it.
package final class LockFile: Sendable {
    private let descriptor: Int32

    /// Makes the file where it is missing; nil where somebody else holds it.
    package static func take(_ path: String) throws(AlulaError) -> LockFile? {
        let file = try LockFile(path)
        if flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 { return file }
        guard errno == EWOULDBLOCK else { throw Files.failure("lock", path) }
        return nil
    }

    private init(_ path: String) throws(AlulaError) {
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Files.failure("open", path) }
    }

    deinit { close(descriptor) }
}
