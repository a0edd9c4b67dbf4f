import Digest
import Disk
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
    private let lock: LockFile

    /// Makes the directories that are missing; throws where another follower has the file.
    package init(path: String) throws(AlulaError) {
        self.path = path
        try Self.makeDirectory(Files.parent(of: path))
        guard let lock = try LockFile.take(path + ".lock") else {
            throw .refused(
                "another alula on follows with the state file \(path)",
                help: "stop it first, or give this one a --state file of its own"
            )
        }
        self.lock = lock
    }

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
        try Files.replace(path, with: [UInt8](bytes) + [UInt8(ascii: "\n")])
        try Files.syncDirectory(Files.parent(of: path))
    }

    /// Also those above it; a link to one is as good.
    private static func makeDirectory(_ path: String) throws(AlulaError) {
        var found = stat()
        if unsafe stat(path, &found) == 0, found.st_mode & S_IFMT == S_IFDIR { return }
        if path != "." && path != "/" { try makeDirectory(Files.parent(of: path)) }
        try Files.makeDirectory(path)
    }
}
