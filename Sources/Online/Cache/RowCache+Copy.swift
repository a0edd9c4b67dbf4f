package import Domain

extension RowCache {
    /// Keys that are looked up before others may change the cache.
    private static let keysAtOnce = 4 * ReaderLanes.notes

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
        guard isOn, let keys = keys.baseAddress else {
            for index in 0..<count {
                unsafe places[index] = Self.miss
                unsafe sizes[index] = 0
            }
            return count
        }
        let lookup = unsafe Lookup(
            view: view,
            keys: keys,
            starts: starts,
            hashes: hashes,
            places: places,
            sizes: sizes,
            notes: lanes.notes(lane.index),
            isReading: lane.isReading
        )
        var total = ReaderLanes.Counters()
        var misses = 0
        var first = 0
        while first < count {
            let last = min(count, first + Self.keysAtOnce)
            lanes.lock(lane.index)
            while first < last {
                let next = min(last, first + ReaderLanes.notes)
                touch(lookup, first..<next)
                copy(lookup, first..<next, &arena, &total)
                first = next
            }
            if lane.isReading { lanes.count(total, in: lane.index) }
            lanes.unlock(lane.index)
            misses += Int(truncatingIfNeeded: total.misses)
            total = ReaderLanes.Counters()
        }
        return misses
    }

    @safe private struct Lookup {
        let view: FeatureViewID
        let keys: UnsafeRawPointer
        let starts: UnsafePointer<Int32>
        let hashes: UnsafePointer<UInt64>
        let places: UnsafeMutablePointer<Int32>
        let sizes: UnsafeMutablePointer<Int32>
        /// For each key of the run, the combined hash, and behind all of them where its record seems
        /// to stand: 0 where it stands nowhere, 1 where more than one bucket has to be looked at.
        let notes: UnsafeMutablePointer<UInt64>
        let isReading: Bool
    }

    /// Reads the buckets of a run of keys, then the beginnings of their records, each without waiting
    /// for the one before, so that the latencies of memory overlap.
    @inline(__always)
    private func touch(_ lookup: Lookup, _ run: Range<Int>) {
        let view = lookup.view
        let records = unsafe lookup.notes + ReaderLanes.notes
        for index in run {
            let note = index - run.lowerBound
            let hash = unsafe hasher.combined(lookup.hashes[index], view)
            let bucket = unsafe shards[sizes.shard(hash)].home(hash)
            let control = unsafe RowTable.control(bucket)
            let found = RowTable.matches(control, RowTable.tags(hash))
            let record = unsafe RowTable.slot(bucket, found.trailingZeroBitCount >> 3)
            unsafe lookup.notes[note] = hash
            unsafe records[note] =
                found != 0 ? UInt64(record) : RowTable.hasOverflown(control) ? 1 : 0
        }
        var sizes: UInt64 = 0
        for note in 0..<run.count {
            guard unsafe records[note] > 1,
                let start = unsafe UnsafeMutableRawPointer(bitPattern: UInt(records[note]))
            else { continue }
            unsafe sizes &+= start.load(as: UInt64.self)
        }
        for note in 0..<run.count {
            guard unsafe records[note] > 1,
                let start = unsafe UnsafeMutableRawPointer(bitPattern: UInt(records[note]))
            else { continue }
            let end = unsafe min(RowRecord(start).byteCount, 512)
            var line = 64
            while line < end {
                unsafe sizes &+= UInt64(start.load(fromByteOffset: line, as: UInt8.self))
                line += 64
            }
        }
        // Keeps the reads above from being left out.
        unsafe lookup.sizes[run.lowerBound] = Int32(truncatingIfNeeded: sizes)
    }

    @inline(__always)
    private func copy(
        _ lookup: Lookup,
        _ run: Range<Int>,
        _ arena: inout RowArena,
        _ total: inout ReaderLanes.Counters
    ) {
        let view = lookup.view.number
        let records = unsafe lookup.notes + ReaderLanes.notes
        for index in run {
            let note = index - run.lowerBound
            let hash = unsafe lookup.notes[note]
            let start = unsafe Int(lookup.starts[index])
            let key = unsafe lookup.keys + start
            let size = unsafe Int(lookup.starts[index + 1]) - start
            var record = unsafe UnsafeMutableRawPointer(bitPattern: UInt(records[note]))
                .map { unsafe RowRecord($0) }
            if let seeming = record,
                unsafe records[note] == 1 || !seeming.isOf(hash, view, key, size)
            {
                record = unsafe shards[self.sizes.shard(hash)].find(hash, view, key, size)
            }
            guard let record, arena.hasRoom(for: record.rowBytes + 8) else {
                unsafe lookup.places[index] = Self.miss
                unsafe lookup.sizes[index] = 0
                total.misses &+= 1
                continue
            }
            if lookup.isReading { record.noteRead() }
            if record.kind == .row {
                let size = record.rowBytes
                unsafe lookup.places[index] = unsafe arena.append(record.row, count: size)
                unsafe lookup.sizes[index] = Int32(truncatingIfNeeded: size)
                total.hits &+= 1
            } else {
                unsafe lookup.places[index] = Self.absent
                unsafe lookup.sizes[index] = 0
                total.absentHits &+= 1
            }
        }
    }
}
