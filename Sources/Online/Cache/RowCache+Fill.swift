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

    /// Remembers a row that was read, or with nil that there is none; dropped where the key was
    /// written, or is being written, since the ticket.
    ///
    /// The caller has verified the row's checksum.
    package func fill(
        view: FeatureViewID,
        key: UnsafeRawBufferPointer,
        hash: UInt64,
        row: UnsafeRawBufferPointer?,
        ticket: FillTicket
    ) {
        guard isOn else { return }
        let key = unsafe RowKey(
            hash: hasher.combined(hash, view),
            view: view.number,
            bytes: key
        )
        gate.lock()
        if fillGuard.admits(key.hash, readSince: ticket.clock) {
            unsafe contents.pointee.fill(key, row, mayEvict: true)
            unsafe contents.pointee.flush()
        }
        gate.unlock()
    }

    /// As `fill` for many rows, which stand in the arena; far cheaper than one by one.
    package func fill(_ fills: [Fill], from arena: borrowing RowArena, ticket: FillTicket) {
        _ = take(fills, from: arena, ticket: ticket, mayEvict: true)
    }

    /// As `fill` for rows that nobody asked for yet, only where there is room to spare; answers
    /// whether there was for all.
    func fillSpare(_ fills: [Fill], from arena: borrowing RowArena, ticket: FillTicket) -> Bool {
        take(fills, from: arena, ticket: ticket, mayEvict: false)
    }

    private func take(
        _ fills: [Fill],
        from arena: borrowing RowArena,
        ticket: FillTicket,
        mayEvict: Bool
    ) -> Bool {
        guard isOn else { return false }
        var first = 0
        while first < fills.count {
            let last = min(fills.count, first + Self.rowsAtOnce)
            var hasRoom = true
            gate.lock()
            for fill in fills[first..<last] where hasRoom {
                let key = unsafe RowKey(
                    hash: hasher.combined(fill.hash, fill.view),
                    view: fill.view.number,
                    bytes: fill.key
                )
                guard fillGuard.admits(key.hash, readSince: ticket.clock) else { continue }
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
}
