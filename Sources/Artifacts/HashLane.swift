import Digest
import Dispatch
import Domain

/// Hashes bytes in their order, beside whoever brings them.
///
/// A few pieces wait at most; then whoever brings more waits.
final class HashLane: @unchecked Sendable {
    // The hasher is touched on `queue` only: that makes it Sendable.
    private let hasher = SHA256Hasher()
    private let queue = DispatchQueue(label: "artifact-hash")
    private let room = DispatchSemaphore(value: 8)

    func add(_ bytes: ArraySlice<UInt8>) {
        room.wait()
        queue.async { [self] in
            hasher.update(bytes)
            room.signal()
        }
    }

    /// Ends the content so far, and begins the next.
    func end(_ body: @escaping @Sendable (ContentDigest) -> Void) {
        queue.async { [self] in body(hasher.finish()) }
    }

    /// Returns when everything brought so far is hashed.
    func drain() { queue.sync {} }

    /// The digest of what was brought so far; the next content begins.
    func finish() -> ContentDigest { queue.sync { hasher.finish() } }
}
