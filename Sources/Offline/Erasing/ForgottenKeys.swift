import Codec
import Domain
import struct Foundation.Data
import GRDB

/// The keys of one view that were forgotten and whose bytes may still be there, and which of their
/// rows are out of all answers.
///
/// A row goes by its position, so it makes no difference in which segment it stands.
struct ForgottenKeys: Sendable {
    /// What was staged of an import when the key was forgotten.
    struct Staged: Sendable {
        var importNumber: Int64
        /// Where it has been published since.
        var entry: UInt64?
        /// The rows of lesser numbers.
        var rows: Int64
        /// The log entry of the deletion.
        var forgotten: UInt64
    }

    struct Rule: Sendable {
        /// The log entries of the deletions, ascending: rows up to the last are hidden.
        var entries: [UInt64] = []
        var staged: [Staged] = []
    }

    /// Ascending, each once.
    private(set) var keys: SortableKeys
    private(set) var rules: [Rule] = []

    init(_ keyTypes: [KeyType]) { keys = SortableKeys(keyTypes) }

    init(_ db: Database, view: FeatureViewID, keyTypes: [KeyType]) throws {
        self.init(keyTypes)
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT e.key, e.log_entry, e.import, e.import_rows, i.log_entry
                FROM erasure e LEFT JOIN import i ON i.number = e.import
                WHERE e.view = ? ORDER BY e.key, e.log_entry
                """,
            arguments: [Int64(view.number)]
        )
        var last: Data?
        while let row = try rows.next() {
            let key: Data = row[0]
            if key != last {
                keys.append(try KeyCodec.decode(key, parts: keyTypes.count))
                rules.append(Rule())
            }
            last = key
            let entry = UInt64(row[1] as Int64)
            guard let number: Int64 = row[2] else {
                rules[rules.count - 1].entries.append(entry)
                continue
            }
            rules[rules.count - 1].staged.append(
                Staged(
                    importNumber: number,
                    entry: (row[4] as Int64?).map { UInt64($0) },
                    rows: row[3],
                    forgotten: entry
                )
            )
        }
    }

    var isEmpty: Bool { rules.isEmpty }

    /// The place of a key among the forgotten ones; nil where it was not forgotten.
    func place(_ key: Int, of others: SortableKeys) -> Int? {
        guard !rules.isEmpty else { return nil }
        let place = keys.firstIndex(from: 0, notBefore: others, key)
        guard place < keys.count, keys.compare(place, others, key) == 0 else { return nil }
        return place
    }
}

extension ForgottenKeys.Rule {
    /// The log entry of the deletion that takes a published row; nil where the row lives.
    func deletion(entry: UInt64, number: UInt32) -> UInt64? {
        if let deletion = entries.first(where: { entry <= $0 }) { return deletion }
        return staged.first { $0.entry == entry && Int64(number) < $0.rows }?.forgotten
    }

    /// As above for a row that is staged.
    func deletion(staged importNumber: Int64, number: UInt32) -> UInt64? {
        staged.first { $0.importNumber == importNumber && Int64(number) < $0.rows }?.forgotten
    }
}
