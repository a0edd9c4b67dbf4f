package import Domain
package import RocksDB
import Synchronization

/// The newest rows of the keys that are read, in memory of a bounded size; also that a key has none.
package final class RowCache: Sendable {
    /// A reading thread's place.
    package struct Lane: Sendable {
        let index: Int
    }

    /// The moment before a read of RocksDB whose result may be filled in.
    package struct FillTicket: Sendable {
        let clock: UInt64
    }

    /// The place of a key that is known to have no row.
    package static let absent: Int32 = -1
    /// The place of a key of which nothing is known.
    package static let miss: Int32 = -2

    fileprivate struct Key: Hashable {
        var view: FeatureViewID
        var bytes: [UInt8]
    }

    fileprivate struct State {
        var rows: [Key: [UInt8]?] = [:]
        var clock: UInt64 = 0
        /// When the key was last begun or finished, and how many writes of it are on their way.
        var stamps: [Key: UInt64] = [:]
        var writing: [Key: Int] = [:]
        var figures = CacheFigures()
    }

    private let state = Mutex(State())
    private let byteBudget: Int
    private let seed = UInt64.random(in: .min ... .max)

    /// A budget of 0 turns the cache off: every look-up is a miss.
    package init(byteBudget: Int, lanes: Int) { self.byteBudget = byteBudget }

    package func lane() -> Lane { Lane(index: 0) }

    /// The hash of an entity id and a canonical key, which all views of the key share.
    @inline(__always)
    package func hash(_ prefix: UnsafeRawBufferPointer) -> UInt64 {
        var hash = seed
        for index in 0..<prefix.count {
            let byte = unsafe prefix[index]
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
        }
        return hash
    }

    /// Copies the rows that are held of one view; answers the number of misses.
    ///
    /// Key i is `keys[starts[i]..<starts[i + 1]]`, entity id and canonical key without the view, and
    /// its hash `hashes[i]`. `places[i]` becomes where its row begins in the arena, with `sizes[i]`
    /// bytes, or `absent`, or `miss`.
    package func copy(
        view: FeatureViewID,
        keys: UnsafeRawBufferPointer,
        starts: UnsafePointer<Int32>,
        hashes: UnsafePointer<UInt64>,
        count: Int,
        arena: inout RowArena,
        places: UnsafeMutablePointer<Int32>,
        sizes: UnsafeMutablePointer<Int32>,
        lane: Lane
    ) -> Int {
        var misses = 0
        for index in 0..<count {
            let bytes = unsafe Array(keys[Int(starts[index])..<Int(starts[index + 1])])
            let row = state.withLock { $0.rows[Key(view: view, bytes: bytes)] }
            unsafe sizes[index] = 0
            switch row {
            case .none:
                misses += 1
                unsafe places[index] = Self.miss
            case .some(.none): unsafe places[index] = Self.absent
            case .some(.some(let row)):
                unsafe row.withUnsafeBytes { unsafe places[index] = arena.append($0) }
                unsafe sizes[index] = Int32(row.count)
            }
        }
        return misses
    }

    package func ticket() -> FillTicket { FillTicket(clock: state.withLock { $0.clock }) }

    /// Remembers a row that was read, or with nil that there is none; dropped where the key was
    /// written, or is being written, since the ticket.
    package func fill(
        view: FeatureViewID,
        key: UnsafeRawBufferPointer,
        hash: UInt64,
        row: UnsafeRawBufferPointer?,
        ticket: FillTicket
    ) {
        guard byteBudget > 0 else { return }
        let key = unsafe Key(view: view, bytes: Array(key))
        let row = unsafe row.map { unsafe Array($0) }
        state.withLock { state in
            guard state.stamps[key, default: 0] <= ticket.clock, state.writing[key] == nil else {
                return
            }
            state.put(key, row, budget: byteBudget)
        }
    }

    /// As `fill` for the keys of one `copy` whose numbers are `missed`, with what `places` and `sizes`
    /// say of them by now; what is still a miss is left out.
    package func fill(
        view: FeatureViewID,
        keys: UnsafeRawBufferPointer,
        starts: UnsafePointer<Int32>,
        hashes: UnsafePointer<UInt64>,
        missed: UnsafeBufferPointer<Int32>,
        arena: borrowing RowArena,
        places: UnsafePointer<Int32>,
        sizes: UnsafePointer<Int32>,
        ticket: FillTicket
    ) {
        for number in 0..<missed.count {
            let index = unsafe Int(missed[number])
            let place = unsafe places[index]
            guard place != Self.miss else { continue }
            let start = unsafe arena.base + Int(max(0, place))
            let row = unsafe UnsafeRawBufferPointer(start: start, count: Int(sizes[index]))
            unsafe fill(
                view: view,
                key: UnsafeRawBufferPointer(
                    rebasing: keys[Int(starts[index])..<Int(starts[index + 1])]
                ),
                hash: hashes[index],
                row: place == Self.absent ? nil : row,
                ticket: ticket
            )
        }
    }

    /// Before the batch of these rows is written to RocksDB: keeps rows that are read from now on
    /// from being filled in for their keys.
    package func begin(_ pending: borrowing PendingRows, in batch: WriteBatch) {
        let keys = pending.rows(in: batch).map(\.0)
        state.withLock { state in
            for key in keys {
                state.clock += 1
                state.stamps[key] = state.clock
                state.writing[key, default: 0] += 1
            }
        }
    }

    /// After the batch is written, or was not: what is held becomes what was written, or goes.
    package func finish(_ pending: borrowing PendingRows, in batch: WriteBatch, written: Bool) {
        let rows = pending.rows(in: batch)
        let budget = byteBudget
        state.withLock { state in
            for (key, row) in rows {
                state.clock += 1
                state.stamps[key] = state.clock
                let left = state.writing[key, default: 1] - 1
                state.writing[key] = left > 0 ? left : nil
                state.rows[key] = nil
                if written, let row, budget > 0 { state.put(key, row, budget: budget) }
            }
        }
    }

    package var figures: CacheFigures { state.withLock(\.figures) }
}

extension RowCache.State {
    mutating func put(_ key: RowCache.Key, _ row: [UInt8]?, budget: Int) {
        figures.bytes += 64 + (row?.count ?? 0)
        if figures.bytes > budget {
            rows = [:]
            figures.bytes = 0
        }
        rows[key] = .some(row)
    }
}

extension PendingRows {
    fileprivate func rows(in batch: WriteBatch) -> [(RowCache.Key, [UInt8]?)] {
        unsafe batch.withMemory { memory in
            changes.map { change in
                let key = unsafe RowCache.Key(view: change.view, bytes: Array(memory[change.key]))
                return (key, change.row.map { unsafe Array(memory[$0]) })
            }
        }
    }
}
