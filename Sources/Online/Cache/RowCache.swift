import Domain
import Synchronization

/// The newest rows of the keys that are read, in memory of a bounded size; also that a key has none.
///
/// What is held of a key is what RocksDB has, but for a write that is on its way, of which readers
/// then see nothing yet: `begin` comes before it is written, `finish` before anybody is answered. Who
/// misses reads RocksDB and lets `settle` decide. So all reads of a key are in one order with its
/// writes.
///
/// Readers take their lane for a run of keys and copy; nothing they share is written. Who changes
/// the cache does so behind the gate, one at a time, in short sections.
@safe package final class RowCache: @unchecked Sendable {
    /// A reading thread's place.
    package struct Lane: Sendable {
        let index: Int
        /// Whether its look-ups count as reads, in the figures and for what is kept.
        let isReading: Bool
    }

    /// A moment before a read of RocksDB whose result may be filled in.
    package struct FillTicket: Sendable {
        let clock: UInt64
    }

    /// The place of a key that is known to have no row.
    package static let absent: Int32 = -1
    /// The place of a key of which nothing is known.
    package static let miss: Int32 = -2

    let isOn: Bool
    let sizes: CacheSizes
    let hasher: RowHash
    let lanes: ReaderLanes
    let shards: UnsafeMutablePointer<RowTable>
    /// All that follows is reached behind the gate, but the clock.
    let gate: ThreadLock
    let contents: UnsafeMutablePointer<CacheContents>
    let fillGuard: FillGuard
    let clock: UnsafeMutablePointer<Atomic<UInt64>>
    private let lanesTaken = Atomic(0)
    private let lanesOfTheirOwn: Int

    /// For rows of `byteBudget` bytes in all, what the cache itself needs among them, read by
    /// `lanes` threads.
    ///
    /// A budget of 0, or of less than a cache is of use with, turns it off: every look-up is a miss.
    package convenience init(byteBudget: Int, lanes: Int) {
        self.init(byteBudget: byteBudget, lanes: lanes, hasher: RowHash())
    }

    init(byteBudget: Int, lanes count: Int, hasher: RowHash) {
        isOn = byteBudget >= CacheSizes.leastBudget
        lanesOfTheirOwn = max(1, count)
        sizes = CacheSizes(
            budget: max(byteBudget, CacheSizes.leastBudget),
            lanes: lanesOfTheirOwn + 1
        )
        self.hasher = hasher
        lanes = ReaderLanes(count: lanesOfTheirOwn + 1)
        unsafe contents = .allocate(capacity: 1)
        unsafe contents.initialize(to: CacheContents(sizes, lanes: lanes))
        unsafe shards = unsafe contents.pointee.shards
        gate = ThreadLock()
        let line = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 128)
        unsafe clock = unsafe line.bindMemory(to: Atomic<UInt64>.self, capacity: 1)
        unsafe clock.initialize(to: Atomic(0))
        fillGuard = unsafe FillGuard(clock: clock, stripeCount: sizes.stripes)
    }

    deinit {
        unsafe contents.pointee.destroy()
        unsafe contents.deinitialize(count: 1)
        unsafe contents.deallocate()
        lanes.destroy()
        gate.destroy()
        fillGuard.destroy()
        unsafe UnsafeMutableRawPointer(clock).deallocate()
    }

    /// The next lane; all threads beyond the number of lanes share one.
    package func lane() -> Lane {
        let taken = lanesTaken.wrappingAdd(1, ordering: .relaxed).oldValue
        return Lane(index: min(taken, lanesOfTheirOwn), isReading: true)
    }

    /// The shared lane, for look-ups that no reader asked for.
    package func sharedLane() -> Lane { Lane(index: lanesOfTheirOwn, isReading: false) }

    /// The hash of an entity id and a canonical key, which all views of the key share.
    @inline(__always)
    package func hash(_ prefix: UnsafeRawBufferPointer) -> UInt64 {
        guard let start = prefix.baseAddress else { return 0 }
        return unsafe hasher.hash(start, count: prefix.count)
    }

    package var figures: CacheFigures {
        var figures = CacheFigures()
        guard isOn else { return figures }
        gate.lock()
        figures.entries = unsafe contents.pointee.entries
        figures.absences = unsafe contents.pointee.absences
        figures.bytes = unsafe contents.pointee.bytes
        figures.evictions = unsafe contents.pointee.evictions
        gate.unlock()
        figures.budget = sizes.budget
        let counters = lanes.sum()
        figures.hits = counters.hits
        figures.absentHits = counters.absentHits
        figures.misses = counters.misses
        return figures
    }
}
