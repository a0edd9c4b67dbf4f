import Digest
package import Domain
import FoundationEssentials
import Glibc

/// How far a follower of events is.
package struct FollowState: Codable, Sendable, Hashable {
    /// Every event up to it was handled: its command succeeded, or was given up.
    package var revision: UInt64
    /// Drawn once; its commands carry it, so that one left behind is known.
    package var follower: String
    /// Events whose command was given up.
    package var givenUp: UInt64

    private enum CodingKeys: String, CodingKey {
        case revision
        case follower
        case givenUp = "given_up"
    }

    /// A new follower.
    package init(revision: UInt64) throws(AlulaError) {
        self.revision = revision
        follower = hexadecimal(try RandomBytes.make(16))
        givenUp = 0
    }
}

/// The file of a follower's state, and its lock: one follower a file, for as long as this lives.
///
/// The lock is a file beside it, `FILE.lock`, which the commands do not inherit.
package final class FollowFile: Sendable {
    package let path: String
    private let lock: CInt

    /// Makes the directories that are missing; throws where another follower has the file.
    package init(path: String) throws(AlulaError) {
        self.path = path
        try Self.makeDirectory(Self.directory(of: path))
        lock = unsafe open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard lock >= 0 else { throw Self.failure("make the lock beside", path) }
        // Where this throws the lock is closed too: by `deinit`.
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            throw .refused(
                "another alula on follows with the state file \(path)",
                help: "stop it first, or give this one a --state file of its own"
            )
        }
    }

    deinit { close(lock) }

    /// Nil where there is none yet.
    package func read() throws(AlulaError) -> FollowState? {
        let bytes: Data
        do {
            bytes = try Data(contentsOf: URL(filePath: path))
        } catch {
            var found = stat()
            if unsafe lstat(path, &found) != 0, errno == ENOENT { return nil }
            throw .refused("the state file \(path) cannot be read: \(error)")
        }
        guard let state = try? JSONDecoder().decode(FollowState.self, from: bytes) else {
            throw AlulaError(
                .dataLoss,
                "\(path) is not the state of a follower",
                help: "remove it, and begin with --after REVISION, or with what comes from now on"
            )
        }
        return state
    }

    /// Durable when it returns; a crash leaves the state before it or this one.
    package func write(_ state: FollowState) throws(AlulaError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let bytes = try? encoder.encode(state) else {
            throw AlulaError(.internal, "the state of a follower could not be encoded")
        }
        let new = path + ".new"
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW
        let file = unsafe open(new, flags, 0o600)
        guard file >= 0 else { throw Self.failure("write", new) }
        defer { close(file) }
        let text = [UInt8](bytes) + [UInt8(ascii: "\n")]
        let count = unsafe text.withUnsafeBytes {
            unsafe Glibc.write(file, $0.baseAddress, $0.count)
        }
        guard count == text.count, fsync(file) == 0 else { throw Self.failure("write", new) }
        guard unsafe rename(new, path) == 0 else { throw Self.failure("replace", path) }
        let directory = unsafe open(Self.directory(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw Self.failure("sync the directory of", path) }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw Self.failure("sync the directory of", path) }
    }

    private static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func makeDirectory(_ path: String) throws(AlulaError) {
        var found = stat()
        if unsafe stat(path, &found) == 0, found.st_mode & S_IFMT == S_IFDIR { return }
        if path != "." && path != "/" { try makeDirectory(directory(of: path)) }
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw failure("make the directory", path)
        }
    }

    private static func failure(_ what: String, _ path: String) -> AlulaError {
        let reason = unsafe String(cString: strerror(errno))
        return .refused("cannot \(what) \(path): \(reason)")
    }
}
