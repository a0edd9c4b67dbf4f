extension CacheContents {
    /// Takes a row that was read, or with nil that there is none, unless the key is held.
    ///
    /// With `mayEvict` false only where nothing has to go; answers false where there is no room.
    @discardableResult
    mutating func fill(_ key: RowKey, _ row: UnsafeRawBufferPointer?, mayEvict: Bool) -> Bool {
        let size = unsafe RowRecord.byteCount(key: key.bytes.count, row: row?.count ?? 0)
        guard size <= sizes.mostRecordBytes else { return true }
        if edits.isFull { flush() }
        if mayEvict {
            guard makeSlot(for: key.hash) else { return false }
            makeRoom(for: size)
        } else {
            guard hasRoomToSpare(for: key.hash), makeSlot(for: key.hash) else { return false }
        }
        // One key may come twice in a batch; what only shares its hash is filled another time.
        guard !edits.contains(key.hash), find(key) == nil else { return true }
        let queue: Queue = unsafe row == nil ? .absences : ghosts.take(key.hash) ? .main : .small
        guard let place = unsafe allocate(size, in: queue) else { return false }
        unsafe add(key, row, at: place)
        return true
    }

    /// After the row of a key was written, or with nil was deleted: what is held becomes that.
    ///
    /// A row of which nothing is held is taken where there is room, or where it went not long ago.
    mutating func update(_ key: RowKey, _ row: UnsafeRawBufferPointer?) {
        if edits.isFull { flush() }
        guard let row = unsafe row else {
            if let held = find(key) { remove(held) }
            return
        }
        if let held = find(key), held.kind == .row, held.capacity >= row.count {
            unsafe edits.appendOverwrite(key.hash, held, row)
            return
        }
        let wasHeld = find(key) != nil
        let isGhost = !wasHeld && ghosts.take(key.hash)
        guard wasHeld || isGhost || hasRoomToSpare(for: key.hash) else { return }
        let size = unsafe RowRecord.byteCount(key: key.bytes.count, row: row.count)
        let fits = size <= sizes.mostRecordBytes && makeSlot(for: key.hash)
        if fits { makeRoom(for: size) }
        // Looked up again: to make room may move it or let it go.
        let held = find(key)
        let isWarm = isGhost || (held?.frequency ?? 0) > 0
        if fits, let place = unsafe allocate(size, in: isWarm ? .main : .small) {
            if let held {
                let record = unsafe RowRecord(place)
                unsafe record.write(
                    .row,
                    hash: key.hash,
                    view: key.view,
                    key: key.bytes,
                    row: row,
                    frequency: held.frequency
                )
                replace(held, by: record)
            } else {
                unsafe add(key, row, at: place)
            }
        } else if let held {
            remove(held)
        }
    }

    /// Forgets what is held of a key.
    mutating func drop(_ key: RowKey) {
        if edits.isFull { flush() }
        if let held = find(key) { remove(held) }
    }

    private mutating func add(
        _ key: RowKey,
        _ row: UnsafeRawBufferPointer?,
        at place: UnsafeMutableRawPointer
    ) {
        let record = unsafe RowRecord(place)
        unsafe record.write(
            row == nil ? .absence : .row,
            hash: key.hash,
            view: key.view,
            key: key.bytes,
            row: row ?? UnsafeRawBufferPointer(start: nil, count: 0)
        )
        insert(record)
    }
}
