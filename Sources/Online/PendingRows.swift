import Codec
package import Domain
import RocksDB

/// What a batch that is not written yet does to rows, by key, so that what follows in the same batch
/// is compared with it.
///
/// Keys and rows are those in the memory of the batch, which this belongs to.
package struct PendingRows: Sendable {
    /// What the batch does last with one key.
    struct Change: Sendable {
        /// `RowCache.hash` of entity id and canonical key.
        var hash: UInt64
        var view: FeatureViewID
        /// Where entity id and canonical key stand in the batch; the view follows them.
        var key: Range<Int>
        /// Where the stored bytes of the row stand in the batch; nil where it is deleted.
        var row: Range<Int>?
        var order: RowOrder?
    }

    /// What a key is sought by.
    struct Name {
        var hash: UInt64
        var view: FeatureViewID
        /// Entity id and canonical key.
        var prefix: ArraySlice<UInt8>
    }

    /// One for each key, in the order in which keys first came.
    private(set) var changes: [Change] = []
    /// Keys of the family `rows` where a row took the place of a retracted one: a row of history
    /// that is newer than it may have to come back.
    package internal(set) var replacedRetracted: Set<ArraySlice<UInt8>> = []
    /// What the batch changes of each view.
    package private(set) var figures: [FeatureViewID: RowFigures] = [:]
    /// Numbers of changes by hash, -1 where none is; at most half full.
    private var table: [Int32] = []

    package init() {}

    var isEmpty: Bool { changes.isEmpty }

    /// The number of the change of a key; nil where the batch does nothing with it.
    func index(of name: Name, in batch: WriteBatch) -> Int? {
        guard !changes.isEmpty else { return nil }
        return unsafe batch.withMemory { memory in
            var slot = slot(name.hash, name.view)
            while table[slot] >= 0 {
                let change = changes[Int(table[slot])]
                if change.hash == name.hash, change.view == name.view,
                    unsafe memory[change.key].elementsEqual(name.prefix)
                {
                    return Int(table[slot])
                }
                slot = (slot + 1) & (table.count - 1)
            }
            return nil
        }
    }

    /// Notes the change in the place of an earlier one of its key, whose number is given, or as the
    /// first one.
    mutating func note(_ change: Change, at index: Int?) {
        if let index {
            changes[index] = change
            return
        }
        changes.append(change)
        if 2 * changes.count > table.count {
            resize(to: max(64, 2 * table.count))
        } else {
            enter(changes.count - 1)
        }
    }

    /// Counts rows that came, or went, and the newest event time of those that came.
    mutating func count(_ added: Int, newest: Timestamp, of view: FeatureViewID) {
        figures[view, default: RowFigures()].add(added, newest: newest)
    }

    /// Makes room for so many keys more.
    mutating func reserve(_ keys: Int) {
        changes.reserveCapacity(changes.count + keys)
        var size = max(64, table.count)
        while size < 2 * (changes.count + keys) { size *= 2 }
        if size > table.count { resize(to: size) }
    }

    private mutating func resize(to size: Int) {
        table = [Int32](repeating: -1, count: size)
        for index in changes.indices { enter(index) }
    }

    private mutating func enter(_ index: Int) {
        var slot = slot(changes[index].hash, changes[index].view)
        while table[slot] >= 0 { slot = (slot + 1) & (table.count - 1) }
        table[slot] = Int32(index)
    }

    private func slot(_ hash: UInt64, _ view: FeatureViewID) -> Int {
        let mixed = (hash ^ UInt64(view.number)) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: mixed >> 32) & (table.count - 1)
    }
}

/// What a batch changes of the rows of one view.
package struct RowFigures: Sendable, Hashable {
    /// Rows more, or fewer.
    package private(set) var added = 0
    /// The greatest event time of a row that came.
    package private(set) var newestEvent = Timestamp.distantPast

    mutating func add(_ rows: Int, newest: Timestamp) {
        added += rows
        newestEvent = max(newestEvent, newest)
    }
}

extension OnlineStore {
    /// What stands under a key of the family `rows` once the batch is written, where `stored` stands
    /// there now.
    func order(
        _ onlineKey: ArraySlice<UInt8>,
        stored: RowOrder?,
        _ pending: borrowing PendingRows,
        _ batch: WriteBatch
    ) -> RowOrder? {
        guard let index = pending.index(of: name(onlineKey), in: batch) else { return stored }
        return pending.changes[index].order
    }

    /// Deletes the row under a key of the family `rows`; `isStored` says whether one stands there
    /// without this batch.
    func delete(
        _ onlineKey: ArraySlice<UInt8>,
        isStored: Bool,
        from batch: WriteBatch,
        _ pending: inout PendingRows
    ) {
        let name = name(onlineKey)
        let index = pending.index(of: name, in: batch)
        let stands = index.map { pending.changes[$0].order != nil } ?? isStored
        if stands { pending.count(-1, newest: .distantPast, of: name.view) }
        let start = batch.delete(.rows, Array(onlineKey))
        let change = PendingRows.Change(
            hash: name.hash,
            view: name.view,
            key: start..<start + name.prefix.count,
            row: nil,
            order: nil
        )
        pending.note(change, at: index)
    }

    private func name(_ onlineKey: ArraySlice<UInt8>) -> PendingRows.Name {
        guard let (prefix, view) = OnlineKey.split(onlineKey) else {
            preconditionFailure("a key of the family rows of \(onlineKey.count) bytes")
        }
        let hash = unsafe prefix.withUnsafeBytes { unsafe cache.hash($0) }
        return PendingRows.Name(hash: hash, view: view, prefix: prefix)
    }
}
