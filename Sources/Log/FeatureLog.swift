import Codec
package import Domain
package import RocksDB

/// The durable feature log: the truth that the online rows and the offline segments are projections
/// of.
///
/// Entries stand in the column family `log` under their number, big-endian; how far the log reaches
/// and what was dropped of it stand in `meta`. One thread appends; any may read.
package struct FeatureLog: Sendable {
    private let database: Database

    package init(_ database: Database) { self.database = database }

    /// Adds the entry to a batch: it is in the log once the batch is written.
    ///
    /// Numbers follow one another. Answers how many bytes the entry takes.
    @discardableResult
    package func append(_ entry: LogEntry, number: UInt64, to batch: WriteBatch) -> Int {
        let encoded = LogEntryCodec.encode(entry)
        let key = Self.key(number)
        let place = batch.openPut(.log, keyBytes: key.count, valueBytes: encoded.byteCount)
        unsafe batch.withMemory { memory in
            unsafe UnsafeMutableRawBufferPointer(rebasing: memory[place.key...])
                .copyBytes(from: key)
            let value = place.value..<place.value + encoded.byteCount
            unsafe encoded.write(to: UnsafeMutableRawBufferPointer(rebasing: memory[value]))
        }
        var head: [UInt8] = []
        head.append(littleEndian: number)
        head.append(littleEndian: entry.recorded.microseconds)
        batch.put(.meta, Self.headKey, head)
        return encoded.byteCount
    }

    /// The newest entry, also when it was dropped since.
    package func head() throws(AlulaError) -> LogHead {
        guard let bytes = try database.get(.meta, Self.headKey) else { return .empty }
        guard bytes.count == 16 else { throw .corrupt("the log's head has \(bytes.count) bytes") }
        return LogHead(
            number: Self.integer(bytes[..<8]),
            recorded: Timestamp(microseconds: Int64(bitPattern: Self.integer(bytes[8...])))
        )
    }

    /// The last entry's number; 0 where there was none.
    package func last() throws(AlulaError) -> UInt64 { try head().number }

    /// Entries up to this one are no longer in the log; 0 where all are.
    package func dropped() throws(AlulaError) -> UInt64 {
        guard let bytes = try database.get(.meta, Self.droppedKey) else { return 0 }
        return Self.integer(bytes[...])
    }

    /// The entries behind `number`, in order and without a gap: the first, and more while all stay
    /// within `limitBytes` as stored.
    package func entries(
        after number: UInt64,
        limitBytes: Int
    ) throws(AlulaError) -> [(number: UInt64, entry: LogEntry)] {
        var entries: [(number: UInt64, entry: LogEntry)] = []
        var taken = 0
        guard number < .max else { return [] }
        try database.scanSpans(.log, from: Self.key(number + 1)) { key, value throws(AlulaError) in
            guard entries.isEmpty || taken + value.byteCount <= limitBytes else { return false }
            taken += value.byteCount
            let found = try Self.number(key)
            let expected = (entries.last?.number ?? number) + 1
            guard found == expected else {
                throw .corrupt(
                    "the log has a gap: entry \(found) follows where \(expected) belongs"
                )
            }
            do throws(AlulaError) {
                entries.append((found, try LogEntryCodec.decode(value)))
            } catch {
                throw AlulaError(error.code, "log entry \(found): \(error.message)")
            }
            return true
        }
        if entries.isEmpty, try last() > number {
            throw .corrupt(
                "the log ends at entry \(number), and entry \(try last()) was acknowledged"
            )
        }
        return entries
    }

    /// Removes the entries up to and with `number`, a bounded number of them a batch.
    ///
    /// Whoever calls knows that all projections of them are durable. Not synced: dropping again
    /// after a crash does no harm.
    package func dropThrough(_ number: UInt64) throws(AlulaError) {
        var first = try dropped() + 1
        while first <= number {
            let end = min(number, first + Self.dropStep - 1)
            let batch = WriteBatch(database)
            for entry in first...end { batch.delete(.log, Self.key(entry)) }
            var mark: [UInt8] = []
            mark.append(littleEndian: end)
            batch.put(.meta, Self.droppedKey, mark)
            try database.write(batch, .buffered)
            first = end + 1
        }
    }

    private static let dropStep: UInt64 = 4_096
    private static let headKey = Array("log head".utf8)
    private static let droppedKey = Array("log dropped".utf8)

    private static func key(_ number: UInt64) -> [UInt8] {
        var key: [UInt8] = []
        key.append(littleEndian: number.byteSwapped)
        return key
    }

    /// Of eight bytes, least significant first.
    private static func integer(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func number(_ key: [UInt8]) throws(AlulaError) -> UInt64 {
        guard key.count == 8 else { throw .corrupt("the log has a key of \(key.count) bytes") }
        return integer(key[...]).byteSwapped
    }
}
