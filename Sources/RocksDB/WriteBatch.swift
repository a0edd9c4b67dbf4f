import CRocksDB

/// Puts and deletes that become visible together.
///
/// Later ones win over earlier ones of the same key.
package final class WriteBatch {
    let handle: OpaquePointer
    /// Keeps the families open that the batch names.
    private let database: Database

    package init(_ database: Database) {
        self.database = database
        handle = rocksdb_writebatch_create()
    }

    deinit { rocksdb_writebatch_destroy(handle) }

    package func put(_ family: ColumnFamily, _ key: [UInt8], _ value: [UInt8]) {
        let family = database.families[family.rawValue]
        key.withUnsafeBytes { key in
            value.withUnsafeBytes { value in
                rocksdb_writebatch_put_cf(
                    handle,
                    family,
                    key.chars,
                    key.count,
                    value.chars,
                    value.count
                )
            }
        }
    }

    package func delete(_ family: ColumnFamily, _ key: [UInt8]) {
        let family = database.families[family.rawValue]
        key.withUnsafeBytes { rocksdb_writebatch_delete_cf(handle, family, $0.chars, $0.count) }
    }

    /// Puts and deletes so far.
    package var count: Int { Int(rocksdb_writebatch_count(handle)) }

    /// Bytes of the batch as it goes into the write-ahead log.
    package var byteCount: Int {
        var size = 0
        _ = rocksdb_writebatch_data(handle, &size)
        return size
    }
}

extension UnsafeRawBufferPointer {
    /// As C's characters; never nil, as RocksDB takes none even for no bytes.
    var chars: UnsafePointer<CChar> {
        baseAddress.map { $0.assumingMemoryBound(to: CChar.self) } ?? noBytes
    }
}

nonisolated(unsafe) private let noBytes = UnsafePointer(
    UnsafeMutablePointer<CChar>.allocate(capacity: 1)
)
