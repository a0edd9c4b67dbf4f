import Domain

/// What the cache holds, and how it makes room; changed by one thread at a time, who has the gate.
///
/// Eviction is S3-FIFO (https://s3fifo.com): what is new goes through a small queue, of which only
/// what was read again moves on to the main queue; what goes unread is remembered as a ghost, and
/// enters the main queue at once when it comes back. In the main queue a row that was read goes
/// round again. So a scan passes through the small queue and leaves the rest alone. Absences have a
/// queue of their own.
///
/// New records are written where no reader can find them, and slots are changed together while all
/// lanes are held: that is all that readers ever wait for.
@safe struct CacheContents {
    let sizes: CacheSizes
    let shards: UnsafeMutablePointer<RowTable>
    let lanes: ReaderLanes
    var segments: Segments
    var tables: TableMemory
    let ghosts: Ghosts
    var edits = SlotEdits()
    var queues = Queues()
    /// The segment that is being emptied.
    var victim: Victim?
    /// Bytes that came in and were not made up for by eviction.
    var debt = 0
    /// Segments of the main queue emptied in a row of which most was kept.
    var barren = 0
    private(set) var entries = 0
    private(set) var absences = 0
    var evictions: UInt64 = 0

    enum Queue {
        case small
        case main
        case absences
    }

    struct Queues {
        var small = SegmentQueue()
        var main = SegmentQueue()
        var absences = SegmentQueue()

        subscript(queue: Queue) -> SegmentQueue {
            get {
                switch queue {
                case .small: small
                case .main: main
                case .absences: absences
                }
            }
            set {
                switch queue {
                case .small: small = newValue
                case .main: main = newValue
                case .absences: absences = newValue
                }
            }
        }
    }

    init(_ sizes: CacheSizes, lanes: ReaderLanes) {
        self.sizes = sizes
        self.lanes = lanes
        segments = Segments(byteBudget: sizes.budget, segmentBytes: sizes.segmentBytes)
        tables = TableMemory(reserving: sizes.budget)
        ghosts = Ghosts(byteCount: sizes.ghostBytes)
        unsafe shards = .allocate(capacity: sizes.shards)
        for shard in 0..<sizes.shards {
            guard let memory = unsafe tables.take(CacheSizes.leastTable) else {
                preconditionFailure("the first tables are over the cache's budget")
            }
            unsafe (shards + shard).initialize(
                to: RowTable(zeroed: memory, byteCount: CacheSizes.leastTable)
            )
        }
    }

    func destroy() {
        edits.destroy()
        segments.destroy()
        tables.destroy()
        ghosts.destroy()
        unsafe shards.deallocate()
    }

    /// All memory that is taken.
    var bytes: Int { sizes.fixed + tables.byteCount + segments.committedBytes }

    /// Segments that can be had without eviction.
    var spareSegments: Int {
        segments.freeCount + max(0, sizes.budget - bytes) / sizes.segmentBytes
    }

    func shard(_ hash: UInt64) -> UnsafeMutablePointer<RowTable> {
        unsafe shards + sizes.shard(hash)
    }

    func find(_ key: RowKey) -> RowRecord? {
        guard let start = unsafe key.bytes.baseAddress else { return nil }
        return unsafe shard(key.hash).pointee.find(key.hash, key.view, start, key.bytes.count)
    }

    /// Makes the gathered changes visible.
    mutating func flush() {
        guard edits.count > 0 else { return }
        lanes.lockAll()
        for index in 0..<edits.count {
            let edit = edits[index]
            let table = unsafe shard(edit.hash)
            switch edit.kind {
            case .insert: unsafe table.pointee.insert(edit.hash, edit.to)
            case .replace:
                unsafe table.pointee.replace(edit.hash, edit.from, by: edit.to)
                edit.from.kind = .dead
            case .remove:
                unsafe table.pointee.remove(edit.hash, edit.from)
                edit.from.kind = .dead
            case .overwrite:
                unsafe edit.from.overwrite(with: edits.stagedRow(edit), count: Int(edit.size))
            }
        }
        lanes.unlockAll()
        edits.removeAll()
    }

    /// The next place in a queue; nil where a segment is needed and none is left.
    mutating func allocate(_ byteCount: Int, in queue: Queue) -> UnsafeMutableRawPointer? {
        let last = queues[queue].last
        if last != Segments.none, let place = unsafe segments.allocate(byteCount, in: last) {
            return unsafe place
        }
        let mayCommit = bytes + sizes.segmentBytes <= sizes.budget
        guard let segment = segments.take(mayCommit: mayCommit) else { return nil }
        queues[queue].append(segment, in: segments)
        return unsafe segments.allocate(byteCount, in: segment)
    }

    mutating func insert(_ record: RowRecord) {
        entries += 1
        if record.kind == .absence { absences += 1 }
        edits.append(.insert, record.hash, from: record, to: record)
    }

    mutating func replace(_ record: RowRecord, by other: RowRecord) {
        if record.kind == .absence, other.kind != .absence { absences -= 1 }
        edits.append(.replace, record.hash, from: record, to: other)
    }

    mutating func remove(_ record: RowRecord) {
        entries -= 1
        if record.kind == .absence { absences -= 1 }
        edits.append(.remove, record.hash, from: record, to: record)
    }
}

/// The key of a view's row: entity id and canonical key, and the hash of both with the view.
@safe struct RowKey {
    var hash: UInt64
    var view: UInt32
    var bytes: UnsafeRawBufferPointer
}
