import Codec
import Dispatch
package import Domain
import GRDB
import Synchronization

/// Stages the rows of one import.
///
/// Gathers its chunks in memory, and sorts and writes them as one segment when there are enough,
/// while the next are gathered. While one run is written the one behind it is sorted.
///
/// What is durable is said by `record.nextChunk`; chunks behind it are to be sent again after a
/// crash. After a run that failed nothing more is taken, so that no chunk is staged without those
/// before it. Used by one thread at a time.
package final class ImportStager {
    /// Rows of a segment, and about the bytes in memory.
    static let runRows = 1 << 20
    static let runBytes = 160 << 20

    /// The import as far as it is known to be durable.
    package private(set) var record: OfflineStore.ImportRecord
    private let store: OfflineStore
    private let layout: RowLayout
    private let runRows: Int
    private let runBytes: Int
    private var waiting: ImportRows?
    /// Memory of runs that are written.
    private var spare: [ImportRows] = []
    /// What is taken, durable or not.
    private var nextChunk: UInt64
    private var rowsTaken: UInt64
    /// What runs hold, or have written.
    private var taken: UInt64
    /// Runs at work, the oldest first.
    private var running: [ImportRun] = []
    /// Why a run failed.
    private var failure: AlulaError?

    init(
        _ store: OfflineStore,
        importID: String,
        layout: RowLayout,
        runRows: Int = ImportStager.runRows,
        runBytes: Int = ImportStager.runBytes
    ) throws(AlulaError) {
        self.store = store
        self.layout = layout
        self.runRows = runRows
        self.runBytes = runBytes
        record = try store.importRecord(id: importID)
        nextChunk = record.nextChunk
        rowsTaken = record.rows
        taken = record.nextChunk
    }

    private static let mostRunning = 2

    deinit { running.last?.wait() }

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
        let gathered = waiting ?? spare.popLast() ?? ImportRows(like: rows, layout: layout)
        gathered.append(rows)
        waiting = gathered
        rowsTaken += UInt64(rows.count)
        nextChunk = chunk + 1
        if gathered.count >= runRows || gathered.byteCount >= runBytes { try startRun() }
    }

    /// Makes all chunks taken durable.
    package func flush() throws(AlulaError) {
        try startRun()
        while !running.isEmpty { try endRun() }
    }

    private func startRun() throws(AlulaError) {
        while running.count >= Self.mostRunning || running.first?.isDone == true { try endRun() }
        if let failure { throw failure }
        guard nextChunk > taken, let rows = waiting else { return }
        running.append(
            ImportRun(store, rows: rows, of: record, behind: running.last, through: nextChunk)
        )
        (waiting, taken) = (nil, nextChunk)
    }

    /// Waits for the oldest run.
    private func endRun() throws(AlulaError) {
        if let failure { throw failure }
        guard !running.isEmpty else { return }
        let run = running.removeFirst()
        switch run.result() {
        case .success(let staged):
            record = staged
            run.rows.removeAll()
            spare.append(run.rows)
        case .failure(let error):
            failure = error
            throw error
        }
    }
}

/// Rows that are being sorted and written on a thread of their own, behind those before them.
private final class ImportRun: Sendable {
    let rows: ImportRows
    private let outcome = Mutex<Result<OfflineStore.ImportRecord, AlulaError>?>(nil)
    private let done = DispatchGroup()

    init(
        _ store: OfflineStore,
        rows: ImportRows,
        of record: OfflineStore.ImportRecord,
        behind earlier: ImportRun?,
        through nextChunk: UInt64
    ) {
        self.rows = rows
        DispatchQueue.global().async(group: done) { [self] in
            let result = Result { () throws(AlulaError) in
                let sorted = rows.sorted()
                let staged = try earlier?.result().get() ?? record
                return try store.stage(sorted, of: staged, through: nextChunk)
            }
            outcome.withLock { $0 = result }
        }
    }

    var isDone: Bool { outcome.withLock { $0 != nil } }

    func wait() { done.wait() }

    func result() -> Result<OfflineStore.ImportRecord, AlulaError> {
        wait()
        return outcome.withLock { $0 }
            ?? .failure(AlulaError(.internal, "rows of an import were not written"))
    }
}

extension OfflineStore {
    /// When the last run of an import was staged in this process.
    package var lastStaged: ContinuousClock.Instant? { merges.lastLoaded }

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
        _ rows: ImportRows.Sorted,
        of record: ImportRecord,
        through nextChunk: UInt64
    ) throws(AlulaError) -> ImportRecord {
        guard rows.count > 0 else {
            return try write { try OfflineStore.advance(record, by: 0, to: nextChunk, $0) }
        }
        var writer = try MergeWriter(self, view: record.descriptor.view, layout: rows.layout)
        do throws(AlulaError) {
            try rows.encode(groupRows: groupRows, firstNumber: UInt32(record.rows)) {
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
            merges.noteLoaded()
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
}
