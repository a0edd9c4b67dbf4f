import Codec
import Domain
import GRDB
import struct Foundation.Data

/// Which rows of a view are in no answer that looks from a log entry: those that came later, those
/// retracted up to it, and those of forgotten keys whose bytes are still there.
struct HiddenRows: Sendable {
    /// Rows of later entries are hidden.
    let through: UInt64
    /// Retracted entries, as they stand at `through`.
    let retracted: [ClosedRange<UInt64>]
    /// Forgotten keys, ascending, each once.
    let forgottenKeys: SortableKeys
    /// For each of them: rows of entries up to this one are hidden.
    let forgottenThrough: [UInt64]

    /// Nothing is hidden but what came later.
    init(through: UInt64, keyTypes: [KeyType]) {
        self.through = through
        retracted = []
        forgottenKeys = SortableKeys(keyTypes)
        forgottenThrough = []
    }

    init(_ db: Database, view: FeatureView, through: UInt64) throws {
        self.through = through
        retracted = try Row.fetchAll(
            db,
            sql: """
                SELECT first_entry, last_entry FROM retraction
                WHERE log_entry <= ? AND (view IS NULL OR view = ?) ORDER BY first_entry
                """,
            arguments: [Int64(clamping: through), Int64(view.id.number)]
        ).map { UInt64($0[0] as Int64)...UInt64($0[1] as Int64) }
        let erasures = try Row.fetchAll(
            db,
            sql: """
                SELECT key, MAX(log_entry) FROM erasure WHERE view = ? GROUP BY key ORDER BY key
                """,
            arguments: [Int64(view.id.number)]
        )
        let types = view.entity.keys.map(\.type)
        var keys = SortableKeys(types)
        for erasure in erasures {
            keys.append(try KeyCodec.decode(erasure[0] as Data, parts: types.count))
        }
        forgottenKeys = keys
        forgottenThrough = erasures.map { UInt64($0[1] as Int64) }
    }

    /// Whether rows of this entry are hidden, whatever their key.
    func hides(entry: UInt64) -> Bool {
        entry > through || retracted.contains { $0.contains(entry) }
    }

    /// Whether all rows of these entries are hidden, whatever their keys.
    func hidesAll(_ entries: ClosedRange<UInt64>) -> Bool {
        entries.lowerBound > through
            || retracted.contains {
                $0.lowerBound <= entries.lowerBound && entries.upperBound <= $0.upperBound
            }
    }

    /// Whether some rows of these entries may be hidden, whatever their keys.
    func mayHide(_ entries: ClosedRange<UInt64>) -> Bool {
        entries.upperBound > through || retracted.contains { $0.overlaps(entries) }
    }

    /// Rows of this key up to the entry answered are hidden; 0 where it was not forgotten.
    func forgottenThrough(_ key: Int, of keys: SortableKeys) -> UInt64 {
        guard forgottenKeys.count > 0 else { return 0 }
        let place = forgottenKeys.firstIndex(from: 0, notBefore: keys, key)
        guard place < forgottenKeys.count, forgottenKeys.compare(place, keys, key) == 0 else {
            return 0
        }
        return forgottenThrough[place]
    }
}
