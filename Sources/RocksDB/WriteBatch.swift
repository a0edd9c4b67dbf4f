import CRocksDB

/// Puts and deletes that become visible together.
///
/// Later ones win over earlier ones of the same key. They stand in RocksDB's own form in memory of
/// the batch, so that keys and values can be written straight to where they are written from:
///
/// ```
/// u64 sequence number, RocksDB's | u32 puts and deletes
/// each: u8 kind | varint family | varint length, key | of a put: varint length, value
/// ```
/// https://github.com/facebook/rocksdb/blob/v7.8.3/db/write_batch.cc
package final class WriteBatch {
    /// Where a put's key and value begin in the memory of the batch.
    package struct Place: Sendable {
        package var key: Int
        package var value: Int
    }

    private var memory: UnsafeMutableRawBufferPointer
    /// Bytes of the batch as it goes into the write-ahead log.
    package private(set) var byteCount = headerBytes
    /// Puts and deletes so far.
    package private(set) var count = 0
    /// Keeps the families open that the batch names.
    private let database: Database

    private static let headerBytes = 12
    private static let firstCapacity = 4 << 10
    /// Memory up to this is kept for the next use.
    private static let keptCapacity = 16 << 20

    package init(_ database: Database) {
        self.database = database
        memory = .allocate(byteCount: Self.firstCapacity, alignment: 8)
        memory.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit { memory.deallocate() }

    package func put(_ family: ColumnFamily, _ key: [UInt8], _ value: [UInt8]) {
        let place = openPut(family, keyBytes: key.count, valueBytes: value.count)
        key.withUnsafeBytes { copy($0, to: place.key) }
        value.withUnsafeBytes { copy($0, to: place.value) }
    }

    /// Answers where the key begins in the memory of the batch.
    @discardableResult
    package func delete(_ family: ColumnFamily, _ key: [UInt8]) -> Int {
        let start = openKey(.delete, family, key.count, roomBehind: 0)
        key.withUnsafeBytes { copy($0, to: start) }
        return start
    }

    /// Adds a put whose key and value, of these sizes, whoever calls writes through `withMemory`
    /// before the batch is used.
    package func openPut(_ family: ColumnFamily, keyBytes: Int, valueBytes: Int) -> Place {
        let key = openKey(.put, family, keyBytes, roomBehind: Self.varintBytes + valueBytes)
        append(varint: valueBytes)
        defer { byteCount += valueBytes }
        return Place(key: key, value: byteCount)
    }

    /// The memory of the batch, to fill what was opened; it moves with the next put or delete.
    package func withMemory<Result, Failure: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeMutableRawBufferPointer(rebasing: memory[..<byteCount]))
    }

    /// Makes room for so many bytes more, so that the batch does not grow step by step.
    package func reserve(_ bytes: Int) {
        let wanted = byteCount + bytes
        guard wanted > memory.count else { return }
        grow(to: wanted)
    }

    /// Begins anew, in the same memory.
    package func removeAll() {
        byteCount = Self.headerBytes
        count = 0
        guard memory.count > Self.keptCapacity else { return }
        memory.deallocate()
        memory = .allocate(byteCount: Self.firstCapacity, alignment: 8)
        memory.initializeMemory(as: UInt8.self, repeating: 0)
    }

    /// Hands the batch to RocksDB, for the length of the call.
    func withHandle<Result>(_ body: (OpaquePointer?) -> Result) -> Result {
        memory.storeBytes(of: 0, as: UInt64.self)
        memory.storeBytes(of: UInt32(count).littleEndian, toByteOffset: 8, as: UInt32.self)
        let handle = rocksdb_writebatch_create_from(UnsafeRawBufferPointer(memory).chars, byteCount)
        defer { rocksdb_writebatch_destroy(handle) }
        return body(handle)
    }
}

extension WriteBatch {
    /// The raw values are RocksDB's tags; the one for its family `default` is four less.
    private enum Kind: UInt8 {
        case delete = 0x04
        case put = 0x05
    }

    private static let varintBytes = 5

    /// Writes all before the key, and answers where that begins.
    private func openKey(
        _ kind: Kind,
        _ family: ColumnFamily,
        _ keyBytes: Int,
        roomBehind: Int
    ) -> Int {
        reserve(1 + 2 * Self.varintBytes + keyBytes + roomBehind)
        memory[byteCount] = kind.rawValue
        byteCount += 1
        append(varint: Int(database.familyIDs[family.rawValue]))
        append(varint: keyBytes)
        count += 1
        defer { byteCount += keyBytes }
        return byteCount
    }

    /// There is room for it.
    private func append(varint number: Int) {
        var left = UInt32(number)
        while left >= 0x80 {
            memory[byteCount] = UInt8(truncatingIfNeeded: left) | 0x80
            byteCount += 1
            left >>= 7
        }
        memory[byteCount] = UInt8(left)
        byteCount += 1
    }

    private func copy(_ bytes: UnsafeRawBufferPointer, to start: Int) {
        guard bytes.count > 0 else { return }
        UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + bytes.count])
            .copyMemory(from: bytes)
    }

    private func grow(to wanted: Int) {
        let larger = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(wanted, 2 * memory.count),
            alignment: 8
        )
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[..<byteCount]))
        memory.deallocate()
        memory = larger
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
