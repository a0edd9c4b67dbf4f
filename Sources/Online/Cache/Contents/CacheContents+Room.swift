/// The segment that is being emptied, and how far.
struct Victim {
    var segment: Int32
    var queue: CacheContents.Queue
    var cursor = 0
    var keptBytes = 0
    /// How often a record of it was read at least that is kept.
    var leastFrequency: UInt8
}

extension CacheContents {
    /// Segments that stay in reserve: one for what comes in, one for what eviction keeps.
    private static let reserve = 2
    /// After so many segments of the main queue of which most was kept, a record must have been read
    /// once more to be kept: so that it never takes long to find room.
    private static let patience = 8
    /// How much is emptied at once.
    private static let stepBytes = 16 << 10

    /// Makes sure that a record of this size can be allocated in any queue.
    ///
    /// What is evicted for it goes a little ahead of what comes in, so that no caller has to empty a
    /// whole segment.
    mutating func makeRoom(for byteCount: Int) {
        guard needsEviction else { return }
        debt += 2 * byteCount
        if debt >= Self.stepBytes {
            flush()
            evict(debt)
            debt = 0
        }
        guard spareSegments < Self.reserve else { return }
        flush()
        while spareSegments < Self.reserve, hasVictims { evict(Self.stepBytes) }
    }

    private var hasVictims: Bool {
        victim != nil || queues.small.count + queues.main.count + queues.absences.count > 0
    }

    private var needsEviction: Bool {
        victim != nil || spareSegments <= Self.reserve || isOverAbsences
    }

    private var isOverAbsences: Bool { queues.absences.count >= sizes.absenceSegments }

    /// Makes sure that the table of a hash takes one record more; false where it cannot grow.
    mutating func makeSlot(for hash: UInt64) -> Bool {
        guard unsafe shard(hash).pointee.isFull(adding: edits.count + 1) else { return true }
        flush()
        guard unsafe shard(hash).pointee.isFull(adding: 1) else { return true }
        return unsafe grow(shard(hash))
    }

    /// Whether a row can come in without anything that has to go, ever so little room kept.
    func hasRoomToSpare(for hash: UInt64) -> Bool {
        let table = unsafe shard(hash).pointee
        let growth = table.isFull(adding: edits.count + 1) ? 2 * table.byteCount : 0
        return victim == nil && !isOverAbsences
            && spareSegments - (growth + sizes.segmentBytes - 1) / sizes.segmentBytes
                > Self.reserve + 1
    }

    private mutating func grow(_ shard: UnsafeMutablePointer<RowTable>) -> Bool {
        let old = unsafe shard.pointee
        let size = 2 * old.byteCount
        while bytes + size > sizes.budget {
            if segments.releaseFree() { continue }
            guard hasVictims else { return false }
            evict(Self.stepBytes)
        }
        guard let memory = unsafe tables.take(size) else { return false }
        var table = unsafe RowTable(zeroed: memory, byteCount: size)
        unsafe shard.pointee.forEach { table.insert($0.hash, $0) }
        lanes.lockAll()
        unsafe shard.pointee = table
        lanes.unlockAll()
        unsafe tables.give(old.buckets, old.byteCount)
        return true
    }

    /// Empties so many bytes of the segment that has to go next, or what is left of it.
    ///
    /// No changes are gathered when it begins, and none when it ends.
    private mutating func evict(_ byteCount: Int) {
        guard var victim = victim ?? nextVictim() else { return }
        let start = unsafe segments.start(victim.segment)
        let used = segments.used(victim.segment)
        let end = min(used, victim.cursor + byteCount)
        while victim.cursor < end {
            let record = unsafe RowRecord(start + victim.cursor)
            victim.cursor += record.byteCount
            guard record.kind != .dead else { continue }
            if edits.isFull { flush() }
            if record.frequency >= victim.leastFrequency, keep(record, of: victim.queue) {
                victim.keptBytes += record.byteCount
            } else {
                if victim.queue == .small { ghosts.insert(record.hash) }
                remove(record)
                evictions += 1
            }
        }
        flush()
        if victim.cursor < used {
            self.victim = victim
        } else {
            segments.give(victim.segment)
            self.victim = nil
            if victim.queue == .main {
                barren = victim.keptBytes * 2 > used ? barren + 1 : 0
            }
        }
    }

    private mutating func nextVictim() -> Victim? {
        let queue: Queue
        if isOverAbsences {
            queue = .absences
        } else if queues.main.count == 0
            || queues.small.count * CacheSizes.smallShare
                >= queues.small.count + queues.main.count
        {
            queue = queues.small.count > 0 ? .small : .absences
        } else {
            queue = .main
        }
        guard let segment = queues[queue].removeFirst(in: segments) else { return nil }
        let least = queue == .small ? 2 : 1 + (queue == .main ? barren / Self.patience : 0)
        return Victim(segment: segment, queue: queue, leastFrequency: UInt8(clamping: least))
    }

    /// Moves a record to where it stays; false where there is no place.
    private mutating func keep(_ record: RowRecord, of queue: Queue) -> Bool {
        let frequency = record.frequency
        let target = queue == .small ? .main : queue
        guard let place = unsafe allocate(record.byteCount, in: target) else { return false }
        unsafe record.copy(to: place, frequency: queue == .main ? frequency - 1 : 0)
        unsafe replace(record, by: RowRecord(place))
        return true
    }
}
