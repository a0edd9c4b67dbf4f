import Digest
import Disk
package import Domain
import Synchronization

/// Content on its way into the store, hashed as it comes.
///
/// It becomes visible, whole and durable, with `finish`, or never: what is abandoned, dropped or
/// fails leaves nothing.
package final class ArtifactWriter: Sendable {
    /// What became of the content.
    package struct Stored: Sendable, Hashable {
        package var digest: ContentDigest
        package var bytes: UInt64
        /// It was here before.
        package var existed: Bool
    }

    private struct State {
        var file: File?
        let hasher = SHA256Hasher()
        var bytes: UInt64 = 0
    }

    private let path: String
    private let naming: Naming
    private let place: @Sendable (ContentDigest) -> ArtifactPlace
    private let state: Mutex<State>

    init(
        temporary path: String,
        naming: Naming,
        place: @escaping @Sendable (ContentDigest) -> ArtifactPlace
    ) throws(AlulaError) {
        self.path = path
        self.naming = naming
        self.place = place
        state = Mutex(State(file: try File.create(path)))
    }

    deinit { abandon() }

    /// Adds bytes at the end.
    package func append(_ bytes: [UInt8]) throws(AlulaError) {
        try state.withLock { state throws(AlulaError) in
            guard let file = state.file else { throw Self.over }
            try file.write(bytes[...])
            state.hasher.update(bytes)
            state.bytes += UInt64(bytes.count)
        }
    }

    /// Names the content, durably.
    ///
    /// Where the digest is not the one expected, nothing is kept. Content that is here already is
    /// left as it is.
    package func finish(expecting expected: ContentDigest? = nil) throws(AlulaError) -> Stored {
        do throws(AlulaError) {
            return try state.withLock { state throws(AlulaError) in
                guard let file = state.file else { throw Self.over }
                let digest = state.hasher.finish()
                if let expected, expected != digest {
                    throw .invalid(
                        "the artifact does not have its digest: \(expected) was announced, "
                            + "\(state.bytes) bytes with \(digest) arrived",
                        help: "send it again from its source"
                    )
                }
                let content = Unnamed(
                    file: file,
                    path: path,
                    place: place(digest),
                    bytes: state.bytes
                )
                let existed = try naming.name([content])[0]
                state.file = nil
                return Stored(digest: digest, bytes: state.bytes, existed: existed)
            }
        } catch {
            abandon()
            throw error
        }
    }

    /// Drops what was written; does nothing after `finish`.
    package func abandon() {
        state.withLock { state in
            guard state.file != nil else { return }
            state.file = nil
            // What cannot be removed now is swept when the store is opened.
            try? Files.remove(path)
        }
    }

    private static var over: AlulaError {
        AlulaError(.failedPrecondition, "the artifact was finished or abandoned: begin a new one")
    }
}
