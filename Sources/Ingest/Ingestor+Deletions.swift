import Digest
package import Domain
import Offline
import Online

extension Ingestor {
    /// Tells data directories apart: copies of one have the same, and nobody can make it up.
    package var directoryMark: String {
        hexadecimal(KeyedHash.make(of: Array("alula data directory".utf8), secret: secret))
    }

    /// What remains of a key, in canonical bytes, that was forgotten.
    package func keyHash(_ key: [UInt8], of entity: EntityID) -> [UInt8] {
        KeyedHash.make(of: entity.bytes + key, secret: secret)
    }

    /// The keys of an entity, in canonical bytes, that history and the online store have and whose hashes
    /// are among these.
    ///
    /// Reads all keys of these views. `progress` gets how many were looked at.
    package func keys(
        hashedTo hashes: Set<[UInt8]>,
        of entity: EntityID,
        views: [FeatureView],
        isCancelled: () -> Bool,
        progress: (UInt64) -> Void
    ) throws(AlulaError) -> Set<[UInt8]> {
        var found: Set<[UInt8]> = []
        var seen: UInt64 = 0
        func look(_ key: [UInt8]) {
            seen += 1
            if seen % 4_096 == 0 { progress(seen) }
            if hashes.contains(keyHash(key, of: entity)) { found.insert(key) }
        }
        for view in views {
            try offline.forEachKey(of: view, isCancelled: isCancelled, look)
            var after: [UInt8]?
            repeat {
                guard !isCancelled() else { throw AlulaError(.cancelled, "the search was stopped") }
                let page = try online.standingRows(of: view, after: after, limit: 16_384) { _ in
                    true
                }
                for row in page.rows { look(row.key) }
                after = page.next
            } while after != nil
        }
        progress(seen)
        return found
    }
}

extension EntityID {
    fileprivate var bytes: [UInt8] {
        stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> UInt32($0)) }
    }
}
