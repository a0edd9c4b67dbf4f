import Codec
import Domain
import GRDB
import struct Foundation.Data

extension OfflineStore {
    /// A segment that queries see.
    struct LiveSegment: Sendable {
        var id: Int64
        var rows: UInt64
        var oldestEvent: Int64
        var keys: SegmentMap.KeySpan
    }

    /// The published segments of a view, oldest rows first.
    func liveSegments(of view: FeatureViewID) throws(AlulaError) -> [LiveSegment] {
        try read { try OfflineStore.liveSegments(of: view, $0) }
    }

    static func liveSegments(of view: FeatureViewID, _ db: Database) throws -> [LiveSegment] {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT s.id, s.rows,
                    (SELECT min_key FROM row_group WHERE segment = s.id ORDER BY id LIMIT 1),
                    (SELECT max_key FROM row_group WHERE segment = s.id ORDER BY id DESC LIMIT 1),
                    s.oldest_event
                FROM segment s LEFT JOIN import i ON i.number = s.import
                WHERE s.view = ? AND s.merge IS NULL AND s.rows > 0
                    AND (s.import IS NULL OR i.log_entry IS NOT NULL)
                ORDER BY IFNULL(s.last_entry, i.log_entry), s.id
                """,
            arguments: [Int64(view.number)]
        )
        var segments: [LiveSegment] = []
        while let row = try rows.next() {
            guard let least: Data = row[2], let greatest: Data = row[3] else {
                throw AlulaError.corrupt("segment \(row[0] as Int64) has no row groups")
            }
            segments.append(
                LiveSegment(
                    id: row[0],
                    rows: UInt64(row[1] as Int64),
                    oldestEvent: row[4],
                    keys: SegmentMap.KeySpan(least: Array(least), greatest: Array(greatest))
                )
            )
        }
        return segments
    }

    /// Runs what rewrites segments of a view, when nobody else does and no staged retention waits
    /// for its log entry.
    func rewriting<T>(
        _ view: FeatureViewID,
        isCancelled: () -> Bool,
        _ body: () throws(AlulaError) -> T
    ) throws(AlulaError) -> T {
        try merges.enter(view, isCancelled: isCancelled) { () throws(AlulaError) in
            try !hasStagedRetention(view)
        }
        defer { merges.leave(view) }
        return try body()
    }

    /// Merges these published segments into one, which takes their place; answers it.
    ///
    /// Rows of forgotten keys are dropped; nil where no row is left. Whoever calls has entered the gate of the view.
    func merge(
        _ segments: [Int64],
        of view: FeatureView,
        on cores: MergeCores = .all,
        isCancelled: () -> Bool,
        progress: (_ rowsDone: UInt64) -> Void
    ) throws(AlulaError) -> Int64? {
        let runs = try runs(of: segments, view)
        var cut: RetentionCut?
        let (writer, dropped) = try write(
            runs,
            of: view,
            cut: &cut,
            on: cores,
            isCancelled: isCancelled,
            progress: progress
        )
        do throws(AlulaError) {
            try pins.replacing(segments) { () throws(AlulaError) in
                try write { try OfflineStore.swap(writer, for: segments, dropped: dropped, $0) }
            }
        } catch {
            abandon(writer.merge)
            throw error
        }
        merges.ended(writer.merge)
        return writer.rows > 0 ? writer.segment : nil
    }

    func runs(of segments: [Int64], _ view: FeatureView) throws(AlulaError) -> SortedRuns {
        let through = appliedThrough
        return try read { db in
            let map = try SegmentMap(db, view: view, segments: segments, through: through)
            guard map.segments.map(\.id) == segments.sorted() else {
                throw AlulaError.corrupt("a segment of view \(view.name) has gone")
            }
            return try SortedRuns(map)
        }
    }

    /// Writes the rows of all runs, but those that the cut takes and those of forgotten keys, as a
    /// segment that no query sees; in steps, each with a snapshot and transactions of its own.
    func write(
        _ runs: SortedRuns,
        of view: FeatureView,
        cut: inout RetentionCut?,
        on cores: MergeCores = .all,
        isCancelled: () -> Bool,
        progress: (_ rowsDone: UInt64) -> Void
    ) throws(AlulaError) -> (MergeWriter, dropped: [UInt64: UInt64]) {
        let layout = try MergedLayout(runs.map.segments, view: view).layout
        var writer = try MergeWriter(self, view: view.id, layout: layout)
        do throws(AlulaError) {
            var merge = SortedMerge(
                runs,
                hiding: cut == nil ? .dropsForgotten : .marks,
                tracksKeys: cut != nil
            )
            var pace = MergePace(
                layout.slots.map(\.type) + runs.map.keyTypes.map(\.valueType)
                    + [.int64, .int64, .int64, .int32],
                groupRows: groupRows
            )
            var waiting: [MergedRow] = []
            repeat {
                try checkCancelled(isCancelled)
                try collect(&waiting, from: &merge, cut: &cut, rows: pace.rows)
                let batch = Array(waiting.prefix(pace.rows))
                let columns: MergedColumns
                do throws(AlulaError) {
                    columns = try MergedColumns(
                        batch,
                        of: runs.map,
                        layout: layout,
                        in: self,
                        on: cores
                    )
                } catch  where error.code == .resourceExhausted && pace.shrink() {
                    continue
                }
                for group in try columns.encoded(groupRows: groupRows, on: cores) {
                    try writer.write(group, isCancelled: isCancelled)
                }
                pace.note(bytes: columns.byteCount, rows: batch.count)
                waiting.removeFirst(batch.count)
                progress(writer.rows)
            } while !merge.isAtEnd || !waiting.isEmpty
            try writer.flush(isCancelled: isCancelled)
            return (writer, merge.dropped)
        } catch {
            abandon(writer.merge)
            throw error
        }
    }

    private func collect(
        _ waiting: inout [MergedRow],
        from merge: inout SortedMerge,
        cut: inout RetentionCut?,
        rows: Int
    ) throws(AlulaError) {
        try read { db in
            let reading = try BlockReading(db)
            while waiting.count < rows, !merge.isAtEnd {
                if cut == nil {
                    try merge.fill(&waiting, upTo: rows, reading)
                } else {
                    var found: [MergedRow] = []
                    try merge.fill(&found, upTo: rows, reading)
                    waiting += cut?.keep(found, isEnd: merge.isAtEnd) ?? []
                }
            }
        }
    }

    /// Puts what the merge has written in the place of what it has read.
    private static func swap(
        _ writer: MergeWriter,
        for segments: [Int64],
        dropped: [UInt64: UInt64],
        _ db: Database
    ) throws {
        let list = segments.map(String.init).joined(separator: ",")
        try db.execute(
            sql: "UPDATE segment SET merge = ? WHERE merge IS NULL AND id IN (\(list))",
            arguments: [writer.merge]
        )
        guard db.changesCount == segments.count else {
            throw AlulaError(.aborted, "segments changed while they were merged")
        }
        if writer.rows > 0 {
            try writer.finish(db)
            try db.execute(
                sql: "UPDATE segment SET merge = NULL WHERE id = ?",
                arguments: [writer.segment]
            )
        }
        try db.execute(
            sql: "UPDATE merge SET state = 'done' WHERE id = ?",
            arguments: [writer.merge]
        )
        for (deletion, rows) in dropped {
            try db.execute(
                sql: "UPDATE removal SET rows = rows + ? WHERE log_entry = ?",
                arguments: [Int64(rows), Int64(bitPattern: deletion)]
            )
        }
    }

    /// Takes back what a merge has written that did not come to its end.
    func abandon(_ merge: Int64) {
        merges.ended(merge)
        // What cannot be cleaned now is cleaned by the next step, or at start.
        _ = try? clean()
    }
}
