import Domain
import Synchronization

/// The memory that training sets take while they are made, all together: one that does not fit beside the others
/// is refused before it takes any, and the others go on.
package final class WorkingBytes: Sendable {
    package let limit: Int
    private let taken = Atomic<Int>(0)

    package init(limit: Int) { self.limit = limit }

    package var bytes: Int { taken.load(ordering: .relaxed) }

    /// The part of one set, given back when it is dropped; of one thread.
    final class Share {
        private let all: WorkingBytes
        private var held = 0

        init(of all: WorkingBytes) { self.all = all }

        deinit { all.taken.subtract(held, ordering: .relaxed) }

        /// Takes what lacks of so many bytes; alone, a set may take all there is.
        func hold(_ bytes: Int) throws(AlulaError) {
            let wanted = min(bytes, all.limit)
            guard wanted > held else { return }
            let more = wanted - held
            let before = all.taken.add(more, ordering: .relaxed).oldValue
            guard before + more <= all.limit else {
                all.taken.subtract(more, ordering: .relaxed)
                throw AlulaError(
                    .resourceExhausted,
                    "training sets that are being made hold \(before) bytes of memory, and this one "
                        + "wants \(more) more: the limit of all is \(all.limit) (working-bytes)",
                    help: "try again when others are done; reads and writes go on"
                )
            }
            held = wanted
        }
    }
}
