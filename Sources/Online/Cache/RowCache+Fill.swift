package import Domain
import Synchronization

extension RowCache {
    /// What a read of RocksDB found for one key.
    @safe package struct Fill {
        package var view: FeatureViewID
        /// Entity id and canonical key, readable until the row is filled in.
        package var key: UnsafeRawBufferPointer
        /// `RowCache.hash` of the key.
        package var hash: UInt64
        /// Where the row stands in the arena, or `absent`.
        package var place: Int32
        package var size: Int32

        package init(
            view: FeatureViewID,
            key: UnsafeRawBufferPointer,
            hash: UInt64,
            place: Int32,
            size: Int32
        ) {
            self.view = view
            unsafe self.key = unsafe key
            self.hash = hash
            self.place = place
            self.size = size
        }
    }

    /// Rows that are taken in before others may go on.
    private static let rowsAtOnce = SlotEdits.most

    package func ticket() -> FillTicket {
        FillTicket(clock: unsafe clock.pointee.load(ordering: .acquiring))
    }

    /// Settles what a read of RocksDB behind `ticket` found for keys that were missed, and remembers
    /// it; the rows stand in the arena, their checksums verified.
    ///
    /// What was written, or is being written, since the ticket is not remembered. Where the cache holds
    /// such a key by now, its row takes the place of the one that was read: while a write is on its way
    /// RocksDB may have it already, and readers of the cache, who do not see it yet, must not come
    /// behind one who does.
    package func settle(_ fills: inout [Fill], in arena: inout RowArena, ticket: FillTicket) {
        _ = take(&fills, &arena, ticket: ticket, mayEvict: true)
    }

    /// Remembers rows that nobody asked for yet, only where there is room to spare; answers whether
    /// there was for all.
    func fillSpare(
        _ fills: inout [Fill],
        in arena: inout RowArena,
        ticket: FillTicket
    ) -> Bool { take(&fills, &arena, ticket: ticket, mayEvict: false) }

    private func take(
        _ fills: inout [Fill],
        _ arena: inout RowArena,
        ticket: FillTicket,
        mayEvict: Bool
    ) -> Bool {
        guard isOn else { return false }
        var first = 0
        while first < fills.count {
            let last = min(fills.count, first + Self.rowsAtOnce)
            var hasRoom = true
            gate.lock()
            for index in first..<last where hasRoom {
                let fill = fills[index]
                let key = unsafe RowKey(
                    hash: hasher.combined(fill.hash, fill.view),
                    view: fill.view.number,
                    bytes: fill.key
                )
                guard fillGuard.admits(key.hash, readSince: ticket.clock) else {
                    if mayEvict { unsafe adopt(contents.pointee.find(key), &fills[index], &arena) }
                    continue
                }
                let row = unsafe UnsafeRawBufferPointer(
                    start: arena.base + Int(max(0, fill.place)),
                    count: Int(fill.size)
                )
                let isFilled = unsafe contents.pointee.fill(
                    key,
                    fill.place == Self.absent ? nil : row,
                    mayEvict: mayEvict
                )
                hasRoom = isFilled || mayEvict
            }
            unsafe contents.pointee.flush()
            gate.unlock()
            guard hasRoom else { return false }
            first = last
        }
        return true
    }

    /// Answers a key with what is held of it.
    private func adopt(_ held: RowRecord?, _ fill: inout Fill, _ arena: inout RowArena) {
        guard let held else { return }
        switch held.kind {
        case .row:
            fill.place = unsafe arena.append(held.row, count: held.rowBytes)
            fill.size = Int32(truncatingIfNeeded: held.rowBytes)
        case .absence, .dead:
            fill.place = Self.absent
            fill.size = 0
        }
    }
}
