import Domain
package import RocksDB

extension RowCache {
    /// Before the batch of these rows is written to RocksDB: keeps rows that are read from now on
    /// from being filled in for their keys.
    package func begin(_ pending: borrowing PendingRows, in batch: WriteBatch) {
        guard isOn, !pending.isEmpty else { return }
        gate.lock()
        let time = fillGuard.tick()
        for change in pending.changes {
            fillGuard.begin(hasher.combined(change.hash, change.view), at: time)
        }
        gate.unlock()
    }

    /// After the batch is written, or was not: what is held becomes what was written, or goes.
    ///
    /// Ends what one `begin` with the same rows began.
    package func finish(
        _ pending: borrowing PendingRows,
        in batch: WriteBatch,
        written: Bool
    ) {
        guard isOn else { return }
        let changes = pending.changes
        unsafe batch.withMemory { memory in
            var first = 0
            while first < changes.count {
                let last = min(changes.count, first + SlotEdits.most)
                gate.lock()
                for change in changes[first..<last] {
                    unsafe finish(change, UnsafeRawBufferPointer(memory), written: written)
                }
                unsafe contents.pointee.flush()
                // Not before readers see the rows: a ticket of this time reads RocksDB behind the
                // write.
                let time = fillGuard.tick()
                for change in changes[first..<last] {
                    fillGuard.end(hasher.combined(change.hash, change.view), at: time)
                }
                gate.unlock()
                first = last
            }
        }
    }

    private func finish(
        _ change: PendingRows.Change,
        _ memory: UnsafeRawBufferPointer,
        written: Bool
    ) {
        let key = unsafe RowKey(
            hash: hasher.combined(change.hash, change.view),
            view: change.view.number,
            bytes: UnsafeRawBufferPointer(rebasing: memory[change.key])
        )
        guard written else { return unsafe contents.pointee.drop(key) }
        unsafe contents.pointee.update(
            key,
            change.row.map { unsafe UnsafeRawBufferPointer(rebasing: memory[$0]) }
        )
    }
}
