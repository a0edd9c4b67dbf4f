import Codec
import Domain
import GRDB

/// Which rows of a view are in no answer that looks from a log entry: those that came later, those
/// retracted up to it, and those of forgotten keys whose bytes are still there.
struct HiddenRows: Sendable {
    /// Names a forgotten key.
    struct ForgottenKey {
        fileprivate let place: Int
    }

    /// Rows of later entries are hidden.
    let through: UInt64
    /// Retracted entries, as they stand at `through`.
    let retracted: [ClosedRange<UInt64>]
    private let forgotten: ForgottenKeys

    /// Nothing is hidden but what came later.
    init(through: UInt64, keyTypes: [KeyType]) {
        self.through = through
        retracted = []
        forgotten = ForgottenKeys(keyTypes)
    }

    init(_ db: Database, view: FeatureView, through: UInt64) throws {
        self.through = through
        retracted = try Self.retracted(db, view, through)
        forgotten = try ForgottenKeys(db, view: view.id, keyTypes: view.entity.keys.map(\.type))
    }

    /// All but the rows that came with the entries from `first` to `through` and are in answers now.
    init(_ db: Database, view: FeatureView, butFor first: UInt64, through: UInt64) throws {
        self.through = through
        let earlier = first > 0 ? [0...(first - 1)] : []
        retracted = try earlier + Self.retracted(db, view, UInt64(Int64.max))
        forgotten = try ForgottenKeys(db, view: view.id, keyTypes: view.entity.keys.map(\.type))
    }

    /// By entries retracted up to a log entry.
    private static func retracted(
        _ db: Database,
        _ view: FeatureView,
        _ through: UInt64
    ) throws -> [ClosedRange<UInt64>] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT first_entry, last_entry FROM retraction
                WHERE log_entry <= ? AND (view IS NULL OR view = ?) ORDER BY first_entry
                """,
            arguments: [Int64(clamping: through), Int64(view.id.number)]
        ).map { UInt64($0[0] as Int64)...UInt64($0[1] as Int64) }
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

    /// Whether rows may be hidden because of their keys.
    var forgetsKeys: Bool { !forgotten.isEmpty }

    /// Nil where the key was not forgotten.
    func forgotten(_ key: Int, of keys: SortableKeys) -> ForgottenKey? {
        forgotten.place(key, of: keys).map(ForgottenKey.init)
    }

    /// Whether a row of a forgotten key is hidden.
    func hides(_ key: ForgottenKey, entry: UInt64, number: UInt32) -> Bool {
        deletion(key, entry: entry, number: number) != nil
    }

    /// The log entry of the deletion that takes a row of a forgotten key; nil where the row lives.
    func deletion(_ key: ForgottenKey, entry: UInt64, number: UInt32) -> UInt64? {
        forgotten.rules[key.place].deletion(entry: entry, number: number)
    }

    /// Whether a row is in the answers; `forgotten` is of its key.
    func shows(_ row: Int, of group: SortedGroup, _ forgotten: ForgottenKey?) -> Bool {
        let entry = group.entry(row)
        if group.isPartlyHidden, hides(entry: entry) { return false }
        guard let forgotten else { return true }
        return !hides(forgotten, entry: entry, number: group.numbers[row])
    }
}
