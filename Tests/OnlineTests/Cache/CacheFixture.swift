import Domain
import RocksDB
import TestSupport

@testable import Online

/// What one look-up of one key came to.
enum Found: Hashable {
    case miss
    case absent
    case row([UInt8])
}

/// A row cache, and the words to ask it and to write through it one key at a time.
final class CacheFixture {
    let directory: TemporaryDirectory
    let database: Database
    let cache: RowCache
    private let lane: RowCache.Lane
    private var arena = RowArena()
    private var keysMade = 0

    /// With few bits in `hashMask` hashes collide.
    init(byteBudget: Int = 1 << 20, hashMask: UInt64 = .max) throws {
        directory = try TemporaryDirectory()
        database = try Database(path: directory.file("db"), cacheBytes: 8 << 20)
        cache = RowCache(byteBudget: byteBudget, lanes: 2, hasher: RowHash(mask: hashMask))
        lane = cache.lane()
    }

    /// A write that is on its way.
    struct Write {
        fileprivate let batch: WriteBatch
        fileprivate let pending: PendingRows
    }

    /// Entity id and canonical key, as far as the cache cares.
    static func key(_ number: Int, bytes: Int = 12) -> [UInt8] {
        let digits = (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
        return digits + [UInt8](repeating: 7, count: max(0, bytes - 8))
    }

    /// A key that was not asked for before.
    func newKey() -> [UInt8] {
        keysMade += 1
        return Self.key(keysMade, bytes: 21)
    }

    func look(_ keys: [[UInt8]], view: UInt32 = 1) -> [Found] {
        var starts: [Int32] = [0]
        for key in keys { starts.append(starts[starts.count - 1] + Int32(key.count)) }
        let bytes = keys.flatMap { $0 }
        var places = [Int32](repeating: 0, count: keys.count)
        var sizes = [Int32](repeating: 0, count: keys.count)
        arena.removeAll()
        let misses = bytes.withUnsafeBytes {
            cache.copy(
                view: FeatureViewID(view),
                keys: $0,
                starts: starts,
                hashes: keys.map(hash),
                count: keys.count,
                arena: &arena,
                places: &places,
                sizes: &sizes,
                lane: lane
            )
        }
        let base = arena.base
        let found: [Found] = zip(places, sizes).map { place, size in
            if place == RowCache.miss { return .miss }
            if place == RowCache.absent { return .absent }
            precondition(place % 8 == 0)
            return .row(Array(UnsafeRawBufferPointer(start: base + Int(place), count: Int(size))))
        }
        precondition(found.count { $0 == .miss } == misses)
        return found
    }

    func look(_ key: [UInt8], view: UInt32 = 1) -> Found { look([key], view: view)[0] }

    /// What a reader answers who has read this row from RocksDB.
    @discardableResult
    func settle(
        _ key: [UInt8],
        _ row: [UInt8]?,
        view: UInt32 = 1,
        ticket: RowCache.FillTicket
    ) -> [UInt8]? {
        let hash = hash(key)
        arena.removeAll()
        let place = row.map { row in row.withUnsafeBytes { arena.append($0) } }
        return key.withUnsafeBytes { key in
            var fills = [
                RowCache.Fill(
                    view: FeatureViewID(view),
                    key: key,
                    hash: hash,
                    place: place ?? RowCache.absent,
                    size: Int32(row?.count ?? 0)
                )
            ]
            cache.settle(&fills, in: &arena, ticket: ticket)
            guard fills[0].place != RowCache.absent else { return nil }
            return Array(
                UnsafeRawBufferPointer(
                    start: arena.base + Int(fills[0].place),
                    count: Int(fills[0].size)
                )
            )
        }
    }

    func fill(_ key: [UInt8], _ row: [UInt8]?, view: UInt32 = 1) {
        settle(key, row, view: view, ticket: cache.ticket())
    }

    /// Takes rows until some have to go.
    func fillUp() {
        let row = [UInt8](repeating: 1, count: 1_000)
        while cache.figures.evictions == 0 { fill(newKey(), row) }
    }

    func begin(_ key: [UInt8], _ row: [UInt8]?, view: UInt32 = 1) -> Write {
        begin([(key, row)], view: view)
    }

    func begin(_ rows: [(key: [UInt8], row: [UInt8]?)], view: UInt32 = 1) -> Write {
        let batch = WriteBatch(database)
        var pending = PendingRows()
        let name = (0..<4).map { UInt8(truncatingIfNeeded: view >> (24 - 8 * UInt32($0))) }
        for (key, row) in rows {
            let onlineKey = key + name
            var change = PendingRows.Change(
                hash: hash(key),
                view: FeatureViewID(view),
                key: 0..<0,
                row: nil,
                order: nil
            )
            if let row {
                let put = batch.openPut(.rows, keyBytes: onlineKey.count, valueBytes: row.count)
                batch.withMemory { memory in
                    memory[put.key..<put.key + onlineKey.count].copyBytes(from: onlineKey)
                    memory[put.value..<put.value + row.count].copyBytes(from: row)
                }
                change.key = put.key..<put.key + key.count
                change.row = put.value..<put.value + row.count
            } else {
                let start = batch.delete(.rows, onlineKey)
                change.key = start..<start + key.count
            }
            pending.note(change, at: nil)
        }
        cache.begin(pending, in: batch)
        return Write(batch: batch, pending: pending)
    }

    func finish(_ write: Write, written: Bool = true) {
        cache.finish(write.pending, in: write.batch, written: written)
    }

    func write(_ key: [UInt8], _ row: [UInt8]?, view: UInt32 = 1) {
        finish(begin(key, row, view: view))
    }

    func hash(_ key: [UInt8]) -> UInt64 { key.withUnsafeBytes { cache.hash($0) } }
}
