import CRocksDB
package import Domain
import Glibc
import Synchronization

/// One open RocksDB directory.
///
/// Closed when the last reference is gone, after everything that was read or written through it,
/// with its write-ahead log synced.
///
/// All calls block and may come from any thread; that they may is RocksDB's own promise for an open
/// database, its families and its options.
package final class Database: @unchecked Sendable {
    let handle: OpaquePointer
    let families: [OpaquePointer]
    /// RocksDB's numbers of the families.
    let familyIDs: [UInt32]
    let readOptions: OpaquePointer
    /// For reads that may not touch the disk.
    let memoryReadOptions: OpaquePointer
    private let syncedWrites: OpaquePointer
    private let plainWrites: OpaquePointer
    /// After a write that failed, what RocksDB holds in memory is not certain, so none follows it.
    private let health: StorageHealth
    /// Failed flushes and compactions that are no reason to refuse writes.
    private let settledErrors = Atomic<UInt64>(0)
    private let gate = WriteGate()
    let path: String

    /// Opens the directory, made with all column families if it is missing.
    package init(
        path: String,
        cacheBytes: Int = 128 << 20,
        health: StorageHealth = StorageHealth()
    ) throws(AlulaError) {
        let options = Options(cacheBytes: cacheBytes)
        self.path = path
        self.health = health
        (handle, families) = try Self.open(path, options)
        familyIDs = families.map { rocksdb_column_family_handle_get_id($0) }
        readOptions = rocksdb_readoptions_create()
        memoryReadOptions = rocksdb_readoptions_create()
        rocksdb_readoptions_set_read_tier(memoryReadOptions, Self.blockCacheTier)
        syncedWrites = rocksdb_writeoptions_create()
        rocksdb_writeoptions_set_sync(syncedWrites, 1)
        plainWrites = rocksdb_writeoptions_create()
        OpenDatabases.opened()
    }

    private static let blockCacheTier: Int32 = 1

    private static func open(
        _ path: String,
        _ options: borrowing Options
    ) throws(AlulaError) -> (OpaquePointer, [OpaquePointer]) {
        // RocksDB's own family comes with every database and stays empty; it goes last, so that the
        // others stand at their raw values.
        let names = (ColumnFamily.allCases.map(\.name) + ["default"]).map { strdup($0) }
        let count = names.count
        defer { for name in names { free(name) } }
        let constantNames = names.map { UnsafePointer($0) }
        var familyOptions = [OpaquePointer?](repeating: options.database, count: count)
        familyOptions[ColumnFamily.rows.rawValue] = options.rows
        var handles = [OpaquePointer?](repeating: nil, count: count)
        let database = try checked("open \(path)") { slot in
            rocksdb_open_column_families(
                options.database,
                path,
                Int32(count),
                constantNames,
                familyOptions,
                &handles,
                slot
            )
        }
        guard let database else {
            throw AlulaError(.internal, "the online store could not open \(path)")
        }
        return (database, handles.compactMap(\.self))
    }

    deinit {
        rocksdb_cancel_all_background_work(handle, 1)
        // RocksDB 7.8 does not sync the log on close. What fails here was never acknowledged as
        // durable.
        try? syncLog()
        for family in families { rocksdb_column_family_handle_destroy(family) }
        rocksdb_close(handle)
        rocksdb_readoptions_destroy(readOptions)
        rocksdb_readoptions_destroy(memoryReadOptions)
        rocksdb_writeoptions_destroy(syncedWrites)
        rocksdb_writeoptions_destroy(plainWrites)
        OpenDatabases.closed()
    }
}

extension Database {
    package enum Durability: Sendable {
        /// On disk when the call returns: survives the loss of power.
        case synced
        /// Survives the end of the process; on disk with the next synced write.
        case buffered
    }

    /// Writes the whole batch or nothing.
    ///
    /// After one failed write every later one is refused. A write that would nearly fill the disk is
    /// refused before it begins, and those after it are taken again once there is room.
    package func write(
        _ batch: WriteBatch,
        _ durability: Durability
    ) throws(AlulaError) {
        try health.check()
        try checkRoom(for: batch)
        let options = durability == .synced ? syncedWrites : plainWrites
        do {
            try checked("write") { slot in
                gate.pass { batch.withHandle { rocksdb_write(handle, options, $0, slot) } }
            }
        } catch {
            // Refused because a table behind found no room: nothing of it was written, and RocksDB
            // goes on by itself once there is some.
            let isRefusal =
                error.code == .resourceExhausted
                && backgroundErrors > settledErrors.load(ordering: .relaxed)
            if !isRefusal { health.fail(error) }
            throw error
        }
    }

    /// RocksDB 7.8 aborts the process some seconds after its log has met a full disk, so that it must not
    /// come to that.
    private func checkRoom(for batch: WriteBatch) throws(AlulaError) {
        guard let free = freeBytes, free < batch.byteCount + Self.reservedBytes else { return }
        throw AlulaError(
            .resourceExhausted,
            "the disk of the online store is full: \(free >> 20) MiB are left, and "
                + "\(Self.reservedBytes >> 20) MiB are kept free",
            help: "make room on the disk; the server takes writes again at once"
        )
    }

    /// Bytes left on the disk; nil where the system does not say.
    private var freeBytes: Int? {
        var figures = statvfs()
        guard statvfs(path, &figures) == 0 else { return nil }
        return Int(figures.f_bavail) * Int(figures.f_frsize)
    }

    private static let reservedBytes = 64 << 20

    /// Why no more writes are taken; nil while all is well.
    ///
    /// Looks for flushes and compactions that have failed, of which no call tells.
    package var failure: AlulaError? {
        let errors = backgroundErrors
        if errors > settledErrors.load(ordering: .relaxed) {
            if let freeBytes, freeBytes < 2 * Self.reservedBytes {
                settledErrors.store(errors, ordering: .relaxed)
            } else {
                health.fail(
                    AlulaError(
                        .internal,
                        "the online store could not write a table behind: online/LOG says more"
                    )
                )
            }
        }
        return health.failure
    }

    /// Refuses all writes from now on, for a reason found outside a write.
    package func refuseWrites(because error: AlulaError) { health.fail(error) }

    /// Puts all that was written on disk.
    package func syncLog() throws(AlulaError) {
        try health.check()
        try health.durably { () throws(AlulaError) in
            try checked("sync its log") { rocksdb_flush_wal(handle, 1, $0) }
        }
    }

    /// Writes the memtables out, so that the next open has nothing to replay.
    package func flush() throws(AlulaError) {
        try health.check()
        let options = rocksdb_flushoptions_create()
        defer { rocksdb_flushoptions_destroy(options) }
        for family in families {
            try checked("flush") { rocksdb_flush_cf(handle, options, family, $0) }
        }
    }

    func flush(_ family: ColumnFamily) throws(AlulaError) {
        let options = rocksdb_flushoptions_create()
        defer { rocksdb_flushoptions_destroy(options) }
        try checked("flush") {
            rocksdb_flush_cf(handle, options, families[family.rawValue], $0)
        }
    }

    /// Runs the body while nobody writes; who wants to waits.
    package func pausingWrites<T>(
        _ body: () throws(AlulaError) -> T
    ) throws(AlulaError) -> T {
        gate.close()
        defer { gate.open() }
        return try body()
    }

    /// A consistent copy in a directory that must not exist yet; files are linked where they can
    /// be.
    package func checkpoint(to path: String) throws(AlulaError) {
        // A checkpoint of 7.8 may link a log that is not fully synced.
        try flush()
        try syncLog()
        let checkpoint = try checked("make a checkpoint") {
            rocksdb_checkpoint_object_create(handle, $0)
        }
        defer { rocksdb_checkpoint_object_destroy(checkpoint) }
        try checked("make a checkpoint at \(path)") {
            rocksdb_checkpoint_create(checkpoint, path, 0, $0)
        }
    }

    /// Merges all files of a family, so that what was deleted or overwritten is gone from disk.
    package func compact(_ family: ColumnFamily) {
        rocksdb_compact_range_cf(handle, families[family.rawValue], nil, 0, nil, 0)
    }

    /// RocksDB's own estimate of the keys of a family.
    package func estimatedCount(_ family: ColumnFamily) -> UInt64 {
        var count: UInt64 = 0
        let known = rocksdb_property_int_cf(
            handle,
            families[family.rawValue],
            "rocksdb.estimate-num-keys",
            &count
        )
        return known == 0 ? count : 0
    }
}
