import Codec
package import Domain
import GRDB

/// Where the rows of a view came from, up to a log entry.
package struct ViewOrigins: Sendable {
    package struct Import: Sendable {
        package var record: OfflineStore.ImportRecord
        /// Published with this entry.
        package var entry: UInt64
        /// From which entry on its rows are hidden; nil where they are not.
        package var retracted: UInt64?
    }

    /// Published imports, in the order of their entries; also those that were retracted.
    package var imports: [Import]
    /// The log entries of pushed rows lie in this range; nil where none was seen.
    package var pushes: ClosedRange<UInt64>?
}

extension OfflineStore {
    /// What a reader at `through` saw of a view, by where it came from.
    ///
    /// Looks at every row's log entry only where a merge has put imports and pushes together and
    /// no push is found soon.
    package func origins(
        of view: FeatureView,
        through: UInt64
    ) throws(AlulaError) -> ViewOrigins {
        let filter = SegmentMap.Filter(through: through, keys: nil, notAfter: .distantFuture)
        return try read { db in
            let records = try OfflineStore.imports(
                db,
                where: "view = ? AND log_entry <= ?",
                [Int64(view.id.number), Int64(clamping: through)]
            )
            let imports = try records.compactMap { record in
                try record.logEntry.map { entry in
                    ViewOrigins.Import(
                        record: record,
                        entry: entry,
                        retracted: try Self.retraction(of: entry, view: view.id, db)
                    )
                }
            }
            let map = try SegmentMap(db, view: view, filter: filter)
            return ViewOrigins(
                imports: imports.sorted { $0.entry < $1.entry },
                pushes: try Self.pushes(
                    in: map,
                    besides: Set(imports.map(\.entry)),
                    BlockReading(db)
                )
            )
        }
    }

    /// From which entry on rows of this entry are hidden; nil where they are not.
    package func retraction(
        of entry: UInt64,
        view: FeatureViewID
    ) throws(AlulaError) -> UInt64? {
        try read { try Self.retraction(of: entry, view: view, $0) }
    }

    private static func retraction(
        of entry: UInt64,
        view: FeatureViewID,
        _ db: Database
    ) throws -> UInt64? {
        try Int64.fetchOne(
            db,
            sql: """
                SELECT min(log_entry) FROM retraction
                WHERE first_entry <= :entry AND last_entry >= :entry
                    AND (view IS NULL OR view = :view)
                """,
            arguments: ["entry": Int64(clamping: entry), "view": Int64(view.number)]
        ).map { UInt64($0) }
    }

    /// In which entries rows were pushed: at most the range of the segments that hold one.
    private static func pushes(
        in map: SegmentMap,
        besides imported: Set<UInt64>,
        _ reading: BlockReading
    ) throws -> ClosedRange<UInt64>? {
        var found: ClosedRange<UInt64>?
        var holding: Set<Int> = []
        for (number, group) in map.groups.enumerated() {
            let segment = map.segments[group.segment]
            guard segment.importEntry == nil, !holding.contains(group.segment) else { continue }
            let entries = try reading.column(.entry, of: number, in: map)?.int64s ?? []
            let hasPush = entries.contains {
                let entry = UInt64(bitPattern: $0)
                return !imported.contains(entry) && !map.hidden.hides(entry: entry)
            }
            guard hasPush else { continue }
            holding.insert(group.segment)
            let range =
                segment.entries.lowerBound...min(segment.entries.upperBound, map.hidden.through)
            let (low, high) = (found?.lowerBound, found?.upperBound)
            found = min(low ?? .max, range.lowerBound)...max(high ?? 0, range.upperBound)
        }
        return found
    }
}
