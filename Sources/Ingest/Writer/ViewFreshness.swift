package import Domain
import Online
import RocksDB

/// What is online of one view.
///
/// Kept in the family `meta`, in the batch of the rows it tells of; integers big-endian:
///
/// ```
/// "fresh/" u32 view -> i64 newest event time | u64 rows
/// ```
package struct ViewFreshness: Sendable, Hashable {
    package var view: FeatureViewID
    /// The greatest event time that was ever online; stays when its row is deleted.
    package var newestEvent: Timestamp
    /// Keys that have a row, expired ones and ones of retracted imports too.
    package var rows: UInt64
}

extension ViewFreshness {
    private static let prefix = Array("fresh/".utf8)

    /// Of all views, in one short scan.
    static func all(in database: Database) throws(AlulaError) -> [FeatureViewID: ViewFreshness] {
        var found: [FeatureViewID: ViewFreshness] = [:]
        try database.scan(.meta, from: prefix) { key, value throws(AlulaError) in
            guard key.starts(with: prefix) else { return false }
            guard key.count == prefix.count + 4, value.count == 16 else {
                throw .corrupt("the online store's note of what is online of a view cannot be read")
            }
            let view = FeatureViewID(UInt32(truncatingIfNeeded: number(key[prefix.count...])))
            found[view] = ViewFreshness(
                view: view,
                newestEvent: Timestamp(microseconds: Int64(bitPattern: number(value[..<8]))),
                rows: number(value[8...])
            )
            return true
        }
        return found
    }

    /// Adds to the batch what its rows change; answers how it will be then.
    static func put(
        _ figures: [FeatureViewID: RowFigures],
        onto present: [FeatureViewID: ViewFreshness],
        in batch: WriteBatch
    ) -> [FeatureViewID: ViewFreshness] {
        var result = present
        for (view, change) in figures {
            let before = present[view]
            let after = ViewFreshness(
                view: view,
                newestEvent: max(change.newestEvent, before?.newestEvent ?? .distantPast),
                rows: UInt64(max(0, Int64(before?.rows ?? 0) + Int64(change.added)))
            )
            guard after != before else { continue }
            result[view] = after
            batch.put(
                .meta,
                prefix + bytes(UInt64(view.number)).suffix(4),
                bytes(UInt64(bitPattern: after.newestEvent.microseconds)) + bytes(after.rows)
            )
        }
        return result
    }

    private static func bytes(_ number: UInt64) -> [UInt8] {
        stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> UInt64($0)) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }
}
