/// The memory of records: segments of one size, which queues fill from one end and give back from
/// the other.
///
/// A segment is filled from its start to `used`, record behind record. What it takes from the system
/// is counted from the first time it is handed out until it is released.
@safe struct Segments {
    private struct Segment {
        var next: Int32
        var used: UInt32
    }

    let segmentBytes: Int
    /// Segments that have memory.
    private(set) var committed = 0
    private let memory: MappedMemory
    private let segments: UnsafeMutablePointer<Segment>
    private let total: Int
    /// The first of the segments that have memory and are in no queue, and of those without memory.
    private var free: Int32 = Self.none
    private(set) var freeCount = 0
    private var released: Int32 = Self.none
    /// Segments from here on were never handed out.
    private var fresh = 0

    static let none: Int32 = -1

    init(byteBudget: Int, segmentBytes: Int) {
        self.segmentBytes = segmentBytes
        total = max(1, byteBudget / segmentBytes)
        memory = MappedMemory(
            byteCount: total * segmentBytes,
            large: segmentBytes >= MappedMemory.largePage
        )
        unsafe segments = .allocate(capacity: total)
        unsafe segments.initialize(repeating: Segment(next: Self.none, used: 0), count: total)
    }

    /// What the list of segments itself takes.
    static func listBytes(byteBudget: Int, segmentBytes: Int) -> Int {
        max(1, byteBudget / segmentBytes) * MemoryLayout<Segment>.stride
    }

    var committedBytes: Int { committed * segmentBytes }

    func destroy() {
        memory.unmap()
        unsafe segments.deallocate()
    }

    /// An empty segment; nil where only one without memory is left and `mayCommit` is false, or none.
    mutating func take(mayCommit: Bool) -> Int32? {
        var taken = free
        if taken != Self.none {
            free = unsafe segments[Int(taken)].next
            freeCount -= 1
        } else {
            guard mayCommit else { return nil }
            if released != Self.none {
                taken = released
                released = unsafe segments[Int(taken)].next
            } else {
                guard fresh < total else { return nil }
                taken = Int32(fresh)
                fresh += 1
            }
            committed += 1
        }
        unsafe segments[Int(taken)] = Segment(next: Self.none, used: 0)
        return taken
    }

    mutating func give(_ segment: Int32) {
        unsafe segments[Int(segment)] = Segment(next: free, used: 0)
        free = segment
        freeCount += 1
    }

    /// Gives the memory of a segment that is in no queue back to the system; false where none is.
    mutating func releaseFree() -> Bool {
        let segment = free
        guard segment != Self.none else { return false }
        free = unsafe segments[Int(segment)].next
        freeCount -= 1
        committed -= 1
        unsafe MappedMemory.release(start(segment), segmentBytes)
        unsafe segments[Int(segment)].next = released
        released = segment
        return true
    }

    func start(_ segment: Int32) -> UnsafeMutableRawPointer {
        unsafe memory.start + Int(segment) * segmentBytes
    }

    func used(_ segment: Int32) -> Int { unsafe Int(segments[Int(segment)].used) }

    func next(_ segment: Int32) -> Int32 { unsafe segments[Int(segment)].next }

    func link(_ segment: Int32, to next: Int32) { unsafe segments[Int(segment)].next = next }

    /// The next bytes of a segment; nil where it is too full.
    func allocate(_ byteCount: Int, in segment: Int32) -> UnsafeMutableRawPointer? {
        let used = used(segment)
        guard used + byteCount <= segmentBytes else { return nil }
        unsafe segments[Int(segment)].used = UInt32(used + byteCount)
        return unsafe start(segment) + used
    }
}

/// Segments in the order in which they were filled.
struct SegmentQueue {
    private(set) var first = Segments.none
    private(set) var last = Segments.none
    private(set) var count = 0

    mutating func append(_ segment: Int32, in segments: Segments) {
        if last == Segments.none { first = segment } else { segments.link(last, to: segment) }
        last = segment
        count += 1
    }

    mutating func removeFirst(in segments: Segments) -> Int32? {
        let segment = first
        guard segment != Segments.none else { return nil }
        first = segments.next(segment)
        if first == Segments.none { last = Segments.none }
        count -= 1
        return segment
    }
}
