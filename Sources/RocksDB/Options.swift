import CRocksDB

/// The options of the database and its families, owned until the database is open (which copies
/// them).
///
/// What is set here and why: one flush job (a retried flush with several reorders updates, fixed in
/// 7.9); no recycled WAL (a reopen may replay stale records, fixed in 9.2); point-in-time recovery,
/// so that what is read back is a prefix of what was acknowledged; bloom filters for keys that are
/// not there, for rows in memtables too; memtables small enough for the processor's caches, where a row goes
/// in at two thirds of the cost, and as many of them that a flush holds up no write. For `eraseDeleted`: every change of the set of files begins a new MANIFEST, because an
/// older one names the least and greatest key of files that are gone; RocksDB's own log has warnings
/// only, because its notes on compactions name keys.
struct Options: ~Copyable {
    let database: OpaquePointer
    /// Of the family of rows, where most look-ups of keys that are not there come.
    let rows: OpaquePointer
    private let table: OpaquePointer
    private let cache: OpaquePointer

    init(cacheBytes: Int) {
        database = rocksdb_options_create()
        table = rocksdb_block_based_options_create()
        cache = rocksdb_cache_create_lru(cacheBytes)

        rocksdb_options_set_create_if_missing(database, 1)
        rocksdb_options_set_create_missing_column_families(database, 1)
        rocksdb_options_set_paranoid_checks(database, 1)
        rocksdb_options_set_max_background_flushes(database, 1)
        rocksdb_options_set_max_background_compactions(database, 1)
        rocksdb_options_set_recycle_log_file_num(database, 0)
        rocksdb_options_set_wal_recovery_mode(database, Int32(Self.pointInTimeRecovery))
        rocksdb_options_set_max_total_wal_size(database, 256 << 20)
        rocksdb_options_set_write_buffer_size(database, 16 << 20)
        rocksdb_options_set_max_write_buffer_number(database, 4)
        rocksdb_options_set_level0_file_num_compaction_trigger(database, 8)
        rocksdb_options_set_level_compaction_dynamic_level_bytes(database, 1)
        rocksdb_options_set_bytes_per_sync(database, 1 << 20)
        rocksdb_options_set_compression(database, Int32(rocksdb_lz4_compression))
        rocksdb_options_set_max_manifest_file_size(database, 1)
        rocksdb_options_set_info_log_level(database, Int32(Self.warnings))
        rocksdb_options_set_keep_log_file_num(database, 4)
        rocksdb_options_set_max_log_file_size(database, 4 << 20)

        rocksdb_block_based_options_set_block_cache(table, cache)
        rocksdb_block_based_options_set_format_version(table, 5)
        rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1)
        rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(table, 1)
        // The table options take the policy over.
        rocksdb_block_based_options_set_filter_policy(
            table,
            rocksdb_filterpolicy_create_bloom_full(10)
        )
        rocksdb_options_set_block_based_table_factory(database, table)

        rows = rocksdb_options_create_copy(database)
        rocksdb_options_set_memtable_prefix_bloom_size_ratio(rows, 0.02)
        rocksdb_options_set_memtable_whole_key_filtering(rows, 1)
    }

    private static let pointInTimeRecovery = 2
    private static let warnings = 2

    deinit {
        rocksdb_options_destroy(rows)
        rocksdb_options_destroy(database)
        rocksdb_block_based_options_destroy(table)
        rocksdb_cache_destroy(cache)
    }
}
