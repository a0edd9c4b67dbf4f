import Codec
package import Domain
import GRDB

extension OfflineStore {
    /// Hands every key that a view has in history to the body, in canonical bytes, also those of staged
    /// imports; a key may come more than once.
    ///
    /// The memory it takes is that of the keys of one row group.
    package func forEachKey(
        of view: FeatureView,
        isCancelled: () -> Bool,
        _ body: ([UInt8]) -> Void
    ) throws(AlulaError) {
        let types = view.entity.keys.map(\.type)
        // Groups that are read must not be merged away meanwhile.
        try merges.enter(view.id, isCancelled: isCancelled, isFree: { true })
        defer { merges.leave(view.id) }
        var last: Int64 = 0
        while true {
            let groups = try read { try StoredGroup.page($0, of: view.id, after: last) }
            for group in groups {
                try checkCancelled(isCancelled)
                let keys = try read { try group.keys(types, BlockReading($0)) }
                for index in 0..<keys.count
                where index == 0 || keys.compare(index, keys, index - 1) != 0 {
                    body(keys.canonicalBytes(index))
                }
            }
            guard groups.count == StoredGroup.pageGroups, let end = groups.last else { return }
            last = end.id
        }
    }
}
