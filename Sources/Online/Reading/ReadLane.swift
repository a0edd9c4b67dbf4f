import Codec
package import Domain
import RocksDB

/// Where a read may look.
package enum ReadTier: Sendable {
    /// In the row cache and what RocksDB has in memory, never on the disk: for event loops.
    case memory
    case disk
}

/// What one reading thread needs from read to read, so that none of them allocates.
///
/// First `find`, then `measure` and `write`.
package final class ReadLane {
    private let store: OnlineStore
    private let cacheLane: RowCache.Lane
    private var arena = RowArena()
    private var blocks: [KeyBlock] = []
    private var hashes: [HashList] = []
    private var found: [PartRows] = []
    private var rows = 0

    /// More than these are not looked up one by one on an event loop.
    private static let mostMissesInMemory = 32

    package init(_ store: OnlineStore) {
        self.store = store
        cacheLane = store.cache.lane()
    }

    /// Finds the newest row of every part for these rows of the key columns, which are those of the
    /// plan in its order, without nulls; false where it would have to look on the disk and may not.
    package func find(
        _ plan: ReadPlan,
        keys: [Column],
        rows range: Range<Int>,
        now: Timestamp,
        tier: ReadTier
    ) throws(AlulaError) -> Bool {
        rows = range.count
        grow(for: plan)
        for (index, group) in plan.groups.enumerated() {
            try blocks[index].fill(
                group.keyColumns.map { keys[$0] },
                rows: range,
                behind: group.prefix
            )
            hashes[index].fill(blocks[index], store.cache)
        }
        arena.removeAll()
        unsafe plan.nullRow.withUnsafeBytes { _ = unsafe arena.append($0) }
        var misses = 0
        for (index, part) in plan.parts.enumerated() {
            let target = found[index]
            target.begin(rows)
            misses += unsafe store.cache.copy(
                view: part.view,
                keys: UnsafeRawBufferPointer(
                    start: blocks[part.group].bytes,
                    count: blocks[part.group].byteCount
                ),
                starts: blocks[part.group].starts,
                hashes: hashes[part.group].values,
                count: rows,
                arena: &arena,
                places: target.places,
                sizes: target.sizes,
                lane: cacheLane
            )
        }
        if misses > 0 {
            guard tier == .disk || misses <= Self.mostMissesInMemory,
                try fetch(plan, misses: misses, tier)
            else { return false }
        }
        for (index, part) in plan.parts.enumerated() {
            try unsafe found[index].tellApart(
                base: arena.base,
                part.reader,
                of: part.viewName,
                maxAge: part.maxAge,
                now: now
            )
        }
        return true
    }

    /// The bytes of the answer with these columns, which the caller carries, behind the features.
    package func measure(_ plan: ReadPlan, carried: [Column]) throws(AlulaError) -> Int {
        try unsafe plan.encoder.measure(found, base: arena.base, carried: carried, rows: rows)
    }

    /// Writes the answer that was measured.
    package func write(_ plan: ReadPlan, into target: UnsafeMutableRawBufferPointer) {
        unsafe plan.encoder.write(found, base: arena.base, into: target)
    }

    /// Rows that were present and expired, by part.
    package func counts(part: Int) -> (present: Int, expired: Int) {
        (found[part].presentCount, found[part].expiredCount)
    }

    private func grow(for plan: ReadPlan) {
        while blocks.count < plan.groups.count {
            blocks.append(KeyBlock())
            hashes.append(HashList())
        }
        while found.count < plan.parts.count { found.append(PartRows()) }
    }
}

extension ReadLane {
    /// Looks in RocksDB for what the cache did not have, and lets it in; false where the tier does not
    /// answer all of it.
    private func fetch(
        _ plan: ReadPlan,
        misses: Int,
        _ tier: ReadTier
    ) throws(AlulaError) -> Bool {
        var missing: [(part: Int, row: Int)] = []
        missing.reserveCapacity(misses)
        var keys = LookupKeys(reservingKeys: misses, bytes: 32 * misses)
        for (index, part) in plan.parts.enumerated() {
            for row in 0..<rows where unsafe found[index].places[row] == RowCache.miss {
                missing.append((index, row))
                keys.append { bytes in
                    unsafe bytes.append(contentsOf: blocks[part.group][row])
                    OnlineKey.append(part.view, to: &bytes)
                }
            }
        }
        let sorted = keys.sorted()
        let ticket = store.cache.ticket()
        let values = try store.database.get(.rows, sorted, memoryOnly: tier == .memory)
        guard values.isComplete else { return false }
        var fills: [RowCache.Fill] = []
        fills.reserveCapacity(sorted.count)
        for place in 0..<sorted.count {
            let miss = missing[sorted.first(place)]
            let group = plan.parts[miss.part].group
            var fill = unsafe RowCache.Fill(
                view: plan.parts[miss.part].view,
                key: blocks[group][miss.row],
                hash: hashes[group].values[miss.row],
                place: RowCache.absent,
                size: 0
            )
            try values.withValue(place) { row throws(AlulaError) in
                _ = try RowCodec.header(row)
                unsafe row.withUnsafeBytes { bytes in
                    fill.place = unsafe arena.append(bytes)
                    fill.size = Int32(bytes.count)
                }
            }
            fills.append(fill)
        }
        store.cache.settle(&fills, in: &arena, ticket: ticket)
        for (number, miss) in missing.enumerated() {
            let fill = fills[sorted.places[number]]
            unsafe found[miss.part].places[miss.row] = fill.place
            unsafe found[miss.part].sizes[miss.row] = fill.size
        }
        return true
    }
}

/// The hashes of a block's keys.
@safe
private final class HashList {
    private(set) var values: UnsafeMutablePointer<UInt64>
    private var capacity = 0

    init() { unsafe values = .allocate(capacity: 0) }

    deinit { unsafe values.deallocate() }

    func fill(_ block: KeyBlock, _ cache: RowCache) {
        if block.count > capacity {
            unsafe values.deallocate()
            capacity = max(block.count, 2 * capacity)
            unsafe values = .allocate(capacity: capacity)
        }
        for row in 0..<block.count { unsafe values[row] = cache.hash(block[row]) }
    }
}
