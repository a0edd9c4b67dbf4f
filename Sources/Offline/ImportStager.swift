import Codec
import Dispatch
package import Domain
import GRDB
import Synchronization

/// Stages the rows of one import: gathers its chunks in memory, and writes them as one sorted
/// segment when there are enough, while the next are gathered.
///
/// What is durable is said by `record.nextChunk`; chunks behind it are to be sent again after a
/// crash. After a run that failed nothing more is taken, so that no chunk is staged without those
/// before it. Used by one thread at a time.
package final class ImportStager {
    /// Rows of a segment, and about the bytes in memory.
    static let runRows = 1 << 20
    private static let runBytes = 112 << 20

    /// The import as far as it is known to be durable.
    package private(set) var record: OfflineStore.ImportRecord
    private let store: OfflineStore
    private let layout: RowLayout
    private let runRows: Int
    private var waiting: [FeatureRows] = []
    private var waitingRows = 0
    private var waitingBytes = 0
    /// What is taken, durable or not.
    private var nextChunk: UInt64
    private var rowsTaken: UInt64
    private var running: ImportRun?
    /// Why a run failed.
    private var failure: AlulaError?

    init(
        _ store: OfflineStore,
        importID: String,
        layout: RowLayout,
        runRows: Int = ImportStager.runRows
    ) throws(AlulaError) {
        self.store = store
        self.layout = layout
        self.runRows = runRows
        record = try store.importRecord(id: importID)
        nextChunk = record.nextChunk
        rowsTaken = record.rows
    }

    deinit { running?.wait() }

    /// Takes the rows of one chunk.
    ///
    /// A chunk that is already there is skipped. Chunks come in their order; rows are numbered on
    /// from chunk to chunk. Throws also what befell earlier chunks.
    package func add(chunk: UInt64, rows: FeatureRows) throws(AlulaError) {
        if let failure { throw failure }
        try NewSegment.check(rows, layout: layout)
        guard chunk >= nextChunk else { return }
        guard record.state == .staging else {
            throw .refused(
                "import \(record.id) is published: its rows do not change",
                help: "import the source again with --again"
            )
        }
        guard chunk == nextChunk else {
            throw .invalid("import \(record.id) goes on with chunk \(nextChunk), not \(chunk)")
        }
        guard rows.view == record.descriptor.view else {
            throw .invalid("import \(record.id) is of another view")
        }
        guard rowsTaken + UInt64(rows.count) <= UInt64(UInt32.max) else {
            throw AlulaError(
                .outOfRange,
                "import \(record.id) has more than \(UInt32.max) rows: split its source"
            )
        }
        waiting.append(rows)
        waitingRows += rows.count
        waitingBytes += rows.columns.reduce(0) { $0 + BatchCodec.byteCount($1) }
        rowsTaken += UInt64(rows.count)
        nextChunk = chunk + 1
        if waitingRows >= runRows || waitingBytes >= Self.runBytes { try startRun() }
    }

    /// Makes all chunks taken durable.
    package func flush() throws(AlulaError) {
        try startRun()
        try endRun()
    }

    private func startRun() throws(AlulaError) {
        try endRun()
        guard nextChunk > record.nextChunk else { return }
        running = ImportRun(
            store,
            parts: waiting,
            of: record,
            layout: layout,
            through: nextChunk
        )
        waiting = []
        (waitingRows, waitingBytes) = (0, 0)
    }

    private func endRun() throws(AlulaError) {
        if let failure { throw failure }
        guard let run = running else { return }
        running = nil
        switch run.result() {
        case .success(let staged): record = staged
        case .failure(let error):
            failure = error
            throw error
        }
    }
}

/// Rows that are being written on a thread of their own.
private final class ImportRun: Sendable {
    private let outcome = Mutex<Result<OfflineStore.ImportRecord, AlulaError>?>(nil)
    private let done = DispatchGroup()

    init(
        _ store: OfflineStore,
        parts: [FeatureRows],
        of record: OfflineStore.ImportRecord,
        layout: RowLayout,
        through nextChunk: UInt64
    ) {
        DispatchQueue.global().async(group: done) { [self] in
            let result = Result { () throws(AlulaError) in
                let rows = FeatureRows.joined(
                    parts,
                    view: record.descriptor.view,
                    layout: layout
                )
                return try store.stage(rows, of: record, layout: layout, through: nextChunk)
            }
            outcome.withLock { $0 = result }
        }
    }

    func wait() { done.wait() }

    func result() -> Result<OfflineStore.ImportRecord, AlulaError> {
        wait()
        return outcome.withLock { $0 }
            ?? .failure(AlulaError(.internal, "rows of an import were not written"))
    }
}

extension OfflineStore {
    /// Goes on with an import where it is durable.
    package func stager(
        importID: String,
        layout: RowLayout
    ) throws(AlulaError) -> ImportStager {
        try ImportStager(self, importID: importID, layout: layout)
    }

    /// Writes the rows of the chunks up to `nextChunk` as one segment, durably; no query sees them
    /// until the import is published.
    fileprivate func stage(
        _ rows: FeatureRows,
        of record: ImportRecord,
        layout: RowLayout,
        through nextChunk: UInt64
    ) throws(AlulaError) -> ImportRecord {
        guard rows.count > 0 else {
            return try write { try OfflineStore.advance(record, by: 0, to: nextChunk, $0) }
        }
        var writer = try MergeWriter(self, view: rows.view, layout: layout)
        do throws(AlulaError) {
            try encodeGroups(of: rows, firstNumber: UInt32(record.rows)) {
                group throws(AlulaError) in
                try writer.write(group, isCancelled: { false })
            }
            try writer.flush(isCancelled: { false })
            let written = writer
            let staged = try write { db in
                try written.finish(db)
                try db.execute(
                    sql: """
                        UPDATE segment SET merge = NULL, first_entry = NULL, last_entry = NULL,
                            import = (SELECT number FROM import WHERE id = ?)
                        WHERE id = ?
                        """,
                    arguments: [record.id, written.segment]
                )
                try db.execute(sql: "DELETE FROM merge WHERE id = ?", arguments: [written.merge])
                return try OfflineStore.advance(
                    record,
                    by: UInt64(rows.count),
                    to: nextChunk,
                    db
                )
            }
            merges.ended(writer.merge)
            return staged
        } catch {
            merges.ended(writer.merge)  // Else it would not be cleaned.
            _ = try? clean()  // What is left goes at the next start.
            throw error
        }
    }

    /// Notes how far the import has come; throws where somebody else has staged the same chunks.
    private static func advance(
        _ record: ImportRecord,
        by rows: UInt64,
        to nextChunk: UInt64,
        _ db: Database
    ) throws -> ImportRecord {
        var present = try importRecord(record.id, db)
        guard present.nextChunk == record.nextChunk, present.state == .staging else {
            throw AlulaError(
                .aborted,
                "import \(record.id) was staged by two clients at once",
                help: "let one of them go on"
            )
        }
        present.rows += rows
        present.nextChunk = nextChunk
        try db.execute(
            sql: "UPDATE import SET rows = ?, next_chunk = ? WHERE id = ?",
            arguments: [Int64(present.rows), Int64(nextChunk), record.id]
        )
        return present
    }

    /// Sorts rows and encodes them on all cores, some groups at a time.
    private func encodeGroups(
        of rows: FeatureRows,
        firstNumber: UInt32,
        body: (EncodedGroup) throws(AlulaError) -> Void
    ) throws(AlulaError) {
        let keys = SortableKeys(rows.keys.compactMap(\.keyType), columns: rows.keys)
        let order = RowSorting.order(rows, keys: keys)
        let numbers = Domain.Column(
            uint32s: Array(firstNumber..<firstNumber + UInt32(rows.count))
        )
        let columns = rows.keys + [rows.event, rows.created, numbers] + rows.features
        let events = rows.event.int64s
        let groups = stride(from: 0, to: order.count, by: groupRows).map {
            order[$0..<min($0 + groupRows, order.count)]
        }
        for first in stride(from: 0, to: groups.count, by: Self.groupsAtOnce) {
            let part = groups[first..<min(first + Self.groupsAtOnce, groups.count)]
            let encoded = Mutex([Int: [UInt8]]())
            // Each column of each group by itself.
            try inParallel(part.count * columns.count) { index in
                let group = part[part.startIndex + index / columns.count]
                let bytes = BlockCodec.encode(columns[index % columns.count].taking(group))
                encoded.withLock { $0[index] = bytes }
            }
            let blocks = encoded.withLock { $0 }
            for (number, group) in part.enumerated() {
                let times = group.lazy.map { events[Int($0)] }
                try body(
                    EncodedGroup(
                        rows: group.count,
                        keys: SegmentMap.KeySpan(
                            least: keys.canonicalBytes(Int(group[group.startIndex])),
                            greatest: keys.canonicalBytes(Int(group[group.endIndex - 1]))
                        ),
                        events: (times.min() ?? 0)...(times.max() ?? 0),
                        entries: 0...0,
                        blocks: columns.indices.map {
                            blocks[number * columns.count + $0] ?? []
                        }
                    )
                )
            }
        }
    }

    private static let groupsAtOnce = 4
}

extension FeatureRows {
    /// Keys, times and features.
    fileprivate var columns: [Domain.Column] { keys + [event, created] + features }

    /// Rows of one layout end to end.
    fileprivate static func joined(
        _ parts: [FeatureRows],
        view: FeatureViewID,
        layout: RowLayout
    ) -> FeatureRows {
        func joined(_ type: ValueType, _ column: (FeatureRows) -> Domain.Column) -> Domain.Column {
            Domain.Column.joined(parts.map(column), type: type)
        }
        return FeatureRows(
            view: view,
            schemaVersion: layout.version,
            keys: parts[0].keys.indices.map { part in
                joined(parts[0].keys[part].type) { $0.keys[part] }
            },
            event: joined(.timestamp) { $0.event },
            created: joined(.timestamp) { $0.created },
            features: parts[0].features.indices.map { index in
                joined(parts[0].features[index].type) { $0.features[index] }
            }
        )
    }
}
