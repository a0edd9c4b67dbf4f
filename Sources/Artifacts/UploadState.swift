import Domain
import Synchronization

/// What is known in memory of an upload that is under way: which parts are coming, and how far the
/// hash of the whole has come.
///
/// A part that comes in its turn is hashed as it comes; others are read again, from memory as a
/// rule, when their turn has come. What a restart forgets is hashed again.
final class UploadState: Sendable {
    private struct State {
        var coming: Set<UInt32> = []
        var isFinishing = false
        /// The part whose turn it is.
        var next: UInt32 = 0
        /// Somebody hashes that part.
        var isHashing = false
        var lane = HashLane()
    }

    private let state = Mutex(State())

    /// Announces a part; throws where it is coming already.
    func begin(_ part: UInt32) throws(AlulaError) {
        let problem = state.withLock { state -> String? in
            guard !state.isFinishing else { return "the upload is being finished" }
            guard state.coming.insert(part).inserted else {
                return "part \(part) of the upload is coming already"
            }
            return nil
        }
        if let problem { throw AlulaError(.aborted, problem) }
    }

    func end(_ part: UInt32) { state.withLock { _ = $0.coming.remove(part) } }

    /// Throws while a part is coming, or somebody else finishes.
    func beginFinishing() throws(AlulaError) {
        let isFree = state.withLock { state in
            guard !state.isFinishing, state.coming.isEmpty, !state.isHashing else { return false }
            state.isFinishing = true
            return true
        }
        guard isFree else {
            throw AlulaError(
                .aborted,
                "parts of the upload are still coming: wait for their answers"
            )
        }
    }

    func endFinishing() { state.withLock { $0.isFinishing = false } }

    /// Takes the turn of hashing a part; nil where it is another's turn.
    ///
    /// Whoever takes it gives it back with `hashed`.
    func claim(_ part: UInt32?) -> (part: UInt32, lane: HashLane)? {
        state.withLock { state in
            guard !state.isHashing, part == nil || part == state.next else { return nil }
            state.isHashing = true
            return (state.next, state.lane)
        }
    }

    /// The part is hashed; or not: then all is hashed anew, since some of its bytes may be in.
    func hashed(_ isWhole: Bool, touched: Bool = true) {
        state.withLock { state in
            state.isHashing = false
            if isWhole {
                state.next += 1
            } else if touched {
                state.next = 0
                state.lane = HashLane()
            }
        }
    }

    var hashedParts: UInt32 { state.withLock { $0.next } }

    /// The digest of all parts, once all are hashed; the next one begins.
    func digest() -> ContentDigest {
        let lane = state.withLock { state in
            defer {
                state.next = 0
                state.lane = HashLane()
            }
            return state.lane
        }
        return lane.finish()
    }
}
