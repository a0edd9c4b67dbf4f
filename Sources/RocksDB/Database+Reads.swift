import CRocksDB
package import Domain

/// The values of one lookup of many keys, pinned in the block cache until this goes.
package struct PinnedValues: ~Copyable {
    fileprivate let slices: [OpaquePointer?]
    /// False where memory alone did not answer every key: then none of the values counts.
    package let isComplete: Bool
    private let database: Database

    fileprivate init(slices: [OpaquePointer?], isComplete: Bool = true, database: Database) {
        self.slices = slices
        self.isComplete = isComplete
        self.database = database
    }

    deinit {
        for case let slice? in slices { rocksdb_pinnableslice_destroy(slice) }
    }

    /// What `body` makes of the value of key `index`; nil where the key is not there.
    package func withValue<Result>(
        _ index: Int,
        _ body: (RawSpan) throws(AlulaError) -> Result
    ) throws(AlulaError) -> Result? {
        guard let slice = slices[index] else { return nil }
        var size = 0
        let start = rocksdb_pinnableslice_value(slice, &size)
        return try body(UnsafeRawBufferPointer(start: start, count: size).bytes)
    }
}

extension Database {
    /// The value of a key; nil where there is none.
    package func get(_ family: ColumnFamily, _ key: [UInt8]) throws(AlulaError) -> [UInt8]? {
        let slice = try checked("read") { slot in
            key.withUnsafeBytes { key in
                rocksdb_get_pinned_cf(
                    handle,
                    readOptions,
                    families[family.rawValue],
                    key.chars,
                    key.count,
                    slot
                )
            }
        }
        guard let slice else { return nil }
        defer { rocksdb_pinnableslice_destroy(slice) }
        var size = 0
        let start = rocksdb_pinnableslice_value(slice, &size)
        return Array(UnsafeRawBufferPointer(start: start, count: size))
    }

    /// Looks all keys up at one moment, in one call.
    ///
    /// With `memoryOnly` nothing is read from disk, and each key is looked up for itself, up to the first
    /// that memtables and block cache do not answer.
    package func get(
        _ family: ColumnFamily,
        _ keys: SortedKeys,
        memoryOnly: Bool = false
    ) throws(AlulaError) -> PinnedValues {
        guard !memoryOnly else { return try getFromMemory(family, keys) }
        let count = keys.count
        var slices = [OpaquePointer?](repeating: nil, count: count)
        guard count > 0 else { return PinnedValues(slices: slices, database: self) }
        var errors = [UnsafeMutablePointer<CChar>?](repeating: nil, count: count)
        keys.withPointers { pointers, sizes in
            rocksdb_batched_multi_get_cf(
                handle,
                readOptions,
                families[family.rawValue],
                count,
                pointers,
                sizes,
                &slices,
                &errors,
                true
            )
        }
        let values = PinnedValues(slices: slices, database: self)
        var failure: AlulaError?
        for case let message? in errors {
            failure = failure ?? .rocksDB("read", String(cString: message))
            rocksdb_free(message)
        }
        if let failure { throw failure }
        return values
    }

    /// Key by key: the batched look-up of 7.8 reads data blocks from disk whatever the tier is.
    ///
    /// All tables are open, so that https://github.com/facebook/rocksdb/pull/12443 does not come in.
    private func getFromMemory(
        _ family: ColumnFamily,
        _ keys: SortedKeys
    ) throws(AlulaError) -> PinnedValues {
        var slices = [OpaquePointer?](repeating: nil, count: keys.count)
        var isComplete = true
        var failure: AlulaError?
        keys.withPointers { pointers, sizes in
            for index in 0..<sizes.count where isComplete && failure == nil {
                var message: UnsafeMutablePointer<CChar>?
                slices[index] = rocksdb_get_pinned_cf(
                    handle,
                    memoryReadOptions,
                    families[family.rawValue],
                    pointers[index],
                    sizes[index],
                    &message
                )
                guard let message else { continue }
                let status = String(cString: message)
                rocksdb_free(message)
                if status.hasPrefix("Result incomplete") {
                    isComplete = false
                } else {
                    failure = .rocksDB("read", status)
                }
            }
        }
        let values = PinnedValues(slices: slices, isComplete: isComplete, database: self)
        if let failure { throw failure }
        return values
    }

    /// Walks the keys of `from..<to` in order (to the end where `to` is nil) until `body` answers
    /// false.
    ///
    /// An error of the disk on the way is thrown, never taken for the end.
    package func scan(
        _ family: ColumnFamily,
        from: [UInt8],
        to: [UInt8]? = nil,
        at snapshot: Snapshot? = nil,
        _ body: (_ key: [UInt8], _ value: [UInt8]) throws(AlulaError) -> Bool
    ) throws(AlulaError) {
        try scanSpans(family, from: from, to: to, at: snapshot) { key, value throws(AlulaError) in
            try body(key, value.withUnsafeBytes { Array($0) })
        }
    }

    /// As `scan`, with values that live as long as the body runs.
    package func scanSpans(
        _ family: ColumnFamily,
        from: [UInt8],
        to: [UInt8]? = nil,
        at snapshot: Snapshot? = nil,
        _ body: (_ key: [UInt8], _ value: RawSpan) throws(AlulaError) -> Bool
    ) throws(AlulaError) {
        let options = rocksdb_readoptions_create()
        defer { rocksdb_readoptions_destroy(options) }
        rocksdb_readoptions_set_fill_cache(options, 0)
        if let snapshot { rocksdb_readoptions_set_snapshot(options, snapshot.handle) }
        // The bound is read by the iterator for as long as it lives.
        let bound = UnsafeMutableRawBufferPointer.allocate(byteCount: to?.count ?? 0, alignment: 1)
        defer { bound.deallocate() }
        if let to {
            bound.copyBytes(from: to)
            let fixed = UnsafeRawBufferPointer(bound)
            rocksdb_readoptions_set_iterate_upper_bound(options, fixed.chars, fixed.count)
        }
        let iterator = rocksdb_create_iterator_cf(handle, options, families[family.rawValue])
        defer { rocksdb_iter_destroy(iterator) }
        from.withUnsafeBytes { rocksdb_iter_seek(iterator, $0.chars, $0.count) }
        while rocksdb_iter_valid(iterator) != 0 {
            var keySize = 0
            var valueSize = 0
            let key = rocksdb_iter_key(iterator, &keySize)
            let value = rocksdb_iter_value(iterator, &valueSize)
            let goesOn = try body(
                Array(UnsafeRawBufferPointer(start: key, count: keySize)),
                UnsafeRawBufferPointer(start: value, count: valueSize).bytes
            )
            guard goesOn else { break }
            rocksdb_iter_next(iterator)
        }
        try checked("scan") { rocksdb_iter_get_error(iterator, $0) }
    }

    /// A picture of the database as it is now, for scans.
    package func snapshot() -> Snapshot { Snapshot(self) }
}

/// One moment of a database, kept readable until this goes.
package final class Snapshot: @unchecked Sendable {
    /// Immutable, and RocksDB lets any thread read with it.
    let handle: OpaquePointer?
    private let database: Database

    fileprivate init(_ database: Database) {
        self.database = database
        handle = rocksdb_create_snapshot(database.handle)
    }

    deinit { rocksdb_release_snapshot(database.handle, handle) }
}
