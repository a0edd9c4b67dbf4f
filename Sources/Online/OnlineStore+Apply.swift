import Codec
package import Domain
package import RocksDB

extension OnlineStore {
    /// Puts those rows into the batch that are newer than what stands there or in `pending`, one by
    /// one in their order.
    ///
    /// The answer says of each row whether it was taken (`accepted`) or is `older`. A row that stands
    /// there with one of the `retracted` log entries counts as none.
    ///
    /// Where it throws, neither the batch nor `pending` was touched. The rows are online once the
    /// batch is written.
    package func apply(
        _ rows: FeatureRows,
        of view: FeatureView,
        from origin: RowOrigin,
        retracted: [ClosedRange<UInt64>] = [],
        into batch: WriteBatch,
        pending: inout PendingRows
    ) throws(AlulaError) -> [PushStatus] {
        guard let layout = view.layout(rows.schemaVersion) else {
            throw .unknownSchemaVersion(rows.schemaVersion, of: view.name)
        }
        let all = EncodedKeys(view.entity.id, columns: rows.keys)
        let order = all.sorted()
        let keys = SoughtKeys(all.taking(firstOf: order), of: view.id, hashedBy: cache)
        let stored = try standingOrders(keys)
        var contest = Contest(rows: rows, origin: origin)
        var changes = [Int?](repeating: nil, count: keys.count)
        for place in 0..<keys.count {
            var standing = stored[place]
            changes[place] = pending.index(of: keys.name(place), in: batch)
            if let change = changes[place] { standing = pending.changes[change].order }
            let isRetracted = standing.map(retracted.contain) ?? false
            let begin = Int(order.starts[place])
            let end = Int(order.starts[place + 1])
            contest.hold(
                order.rows[begin..<end],
                at: place,
                against: isRetracted ? nil : standing,
                isNew: standing == nil,
                replacesRetracted: isRetracted
            )
        }
        for place in contest.replaced {
            pending.replacedRetracted.insert(keys.onlineKey(place)[...])
        }
        put(contest, of: rows, keys: keys, RowFormat(layout), changes, into: batch, &pending)
        return contest.statuses
    }

    /// Encodes the winners where they stand in the batch.
    private func put(
        _ contest: Contest,
        of rows: FeatureRows,
        keys: SoughtKeys,
        _ format: RowFormat,
        _ changes: [Int?],
        into batch: WriteBatch,
        _ pending: inout PendingRows
    ) {
        var winners = contest.winners
        winners.sizes = format.byteCounts(rows, winners.rows)
        winners.starts.reserveCapacity(winners.rows.count)
        let roomAround = 64
        batch.reserve(
            keys.encoded.bytes.count + winners.sizes.reduce(0) { $0 + $1 + roomAround }
        )
        pending.reserve(winners.rows.count)
        if let newest = winners.orders.lazy.map(\.event).max() {
            pending.count(contest.added, newest: newest, of: keys.view)
        }
        for (number, place) in contest.places.enumerated() {
            let key = keys.encoded.range(place)
            let put = batch.openPut(
                .rows,
                keyBytes: key.count + OnlineKey.viewBytes,
                valueBytes: winners.sizes[number]
            )
            winners.starts.append(put.value)
            pending.note(
                PendingRows.Change(
                    hash: keys.hashes[place],
                    view: keys.view,
                    key: put.key..<put.key + key.count,
                    row: put.value..<put.value + winners.sizes[number],
                    order: winners.orders[number]
                ),
                at: changes[place]
            )
            unsafe batch.withMemory { memory in
                unsafe keys.encoded.bytes.withUnsafeBytes { bytes in
                    let target = unsafe UnsafeMutableRawBufferPointer(
                        rebasing: memory[put.key..<put.value]
                    )
                    unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[key]))
                    unsafe target.storeBytes(
                        of: keys.view.number.bigEndian,
                        toByteOffset: key.count,
                        as: UInt32.self
                    )
                }
            }
        }
        unsafe batch.withMemory { unsafe format.write(rows, at: winners, to: $0) }
    }
}

extension OnlineStore {
    /// What stands under each key, in the row cache or else in RocksDB; nil where nothing does.
    private func standingOrders(_ keys: SoughtKeys) throws(AlulaError) -> [RowOrder?] {
        var orders = [RowOrder?](repeating: nil, count: keys.count)
        var places = [Int32](repeating: RowCache.miss, count: keys.count)
        var sizes = [Int32](repeating: 0, count: keys.count)
        var arena = RowArena(reservingBytes: 192 * keys.count)
        let misses = unsafe keys.encoded.bytes.withUnsafeBytes { bytes in
            unsafe cache.copy(
                view: keys.view,
                keys: bytes,
                starts: keys.encoded.starts,
                hashes: keys.hashes,
                count: keys.count,
                arena: &arena,
                places: &places,
                sizes: &sizes,
                lane: applying
            )
        }
        for index in 0..<keys.count where places[index] >= 0 {
            let row = unsafe UnsafeRawBufferPointer(
                start: arena.base + Int(places[index]),
                count: Int(sizes[index])
            )
            orders[index] = try RowCodec.trustedHeader(unsafe row.bytes).order
        }
        guard misses > 0 else { return orders }
        let missed = (0..<keys.count).filter { places[$0] == RowCache.miss }
        var sought = LookupKeys(reservingKeys: misses, bytes: keys.encoded.bytes.count + 4 * misses)
        for index in missed { sought.append { $0.append(contentsOf: keys.onlineKey(index)) } }
        let found = try storedOrders(sought.sorted())
        for (number, index) in missed.enumerated() { orders[index] = found[number] }
        return orders
    }

    /// What stands in RocksDB under each key; nil where nothing does.
    func storedOrders(_ keys: SortedKeys) throws(AlulaError) -> [RowOrder?] {
        let values = try database.get(.rows, keys)
        var orders: [RowOrder?] = []
        orders.reserveCapacity(keys.count)
        for index in 0..<keys.count {
            let order = try values.withValue(index) { row throws(AlulaError) in
                try RowCodec.header(row).order
            }
            orders.append(order)
        }
        return orders
    }
}

/// Keys of one view in ascending order, each once.
private struct SoughtKeys {
    let encoded: EncodedKeys
    let view: FeatureViewID
    let hashes: [UInt64]

    var count: Int { hashes.count }

    init(_ encoded: EncodedKeys, of view: FeatureViewID, hashedBy cache: RowCache) {
        self.encoded = encoded
        self.view = view
        hashes = unsafe encoded.bytes.withUnsafeBytes { bytes in
            (0..<encoded.count).map { index in
                unsafe cache.hash(UnsafeRawBufferPointer(rebasing: bytes[encoded.range(index)]))
            }
        }
    }

    func name(_ index: Int) -> PendingRows.Name {
        PendingRows.Name(hash: hashes[index], view: view, prefix: encoded[index])
    }

    /// The key in the family `rows`.
    func onlineKey(_ index: Int) -> [UInt8] {
        var key = Array(encoded[index])
        OnlineKey.append(view, to: &key)
        return key
    }
}

/// Rows held against what stands under their keys, key by key.
private struct Contest {
    let rows: FeatureRows
    let origin: RowOrigin
    private(set) var statuses: [PushStatus]
    /// The keys that have a new row, as places among all keys, and these rows.
    private(set) var places: [Int] = []
    private(set) var winners = RowPlaces()
    /// How many of these keys had no row.
    private(set) var added = 0
    /// The keys among them where a retracted row stood.
    private(set) var replaced: [Int] = []

    init(rows: FeatureRows, origin: RowOrigin) {
        self.rows = rows
        self.origin = origin
        statuses = [PushStatus](repeating: .older, count: rows.count)
        places.reserveCapacity(rows.count)
        winners.rows.reserveCapacity(rows.count)
        winners.orders.reserveCapacity(rows.count)
    }

    /// The rows of one key, in their order.
    mutating func hold(
        _ candidates: ArraySlice<Int32>,
        at place: Int,
        against standing: RowOrder?,
        isNew: Bool,
        replacesRetracted: Bool
    ) {
        var newest = standing
        var winner: Int32?
        for row in candidates {
            let order = origin.order(of: Int(row), in: rows)
            if let newest, order <= newest { continue }
            newest = order
            winner = row
            statuses[Int(row)] = .accepted
        }
        guard let winner, let newest else { return }
        places.append(place)
        winners.rows.append(winner)
        winners.orders.append(newest)
        if isNew { added += 1 }
        if replacesRetracted { replaced.append(place) }
    }
}
