/// How a budget is divided.
struct CacheSizes: Sendable {
    let budget: Int
    let segmentBytes: Int
    let ghostBytes: Int
    let stripes: Int
    let shards: Int
    /// What does not change with what is held.
    let fixed: Int
    /// The segments that absences may have.
    let absenceSegments: Int
    private let shardShift: UInt64

    /// Below this there is no cache.
    static let leastBudget = 1 << 20
    static let leastTable = 4 << 10
    /// The small queue is kept at this share of the segments.
    static let smallShare = 10
    private static let segmentRange = 8 << 10...2 << 20
    private static let rowsPerShard = 32_768
    private static let usualRow = 200

    init(budget: Int, lanes: Int) {
        self.budget = budget
        segmentBytes = min(
            max(Self.powerOfTwo(budget / 128), Self.segmentRange.lowerBound),
            Self.segmentRange.upperBound
        )
        ghostBytes = Self.powerOfTwo(budget / 64)
        stripes = min(65_536, Self.powerOfTwo(budget / 512))
        shards = min(1_024, Self.powerOfTwo(2 * budget / (Self.rowsPerShard * Self.usualRow)))
        shardShift = UInt64(63 - shards.trailingZeroBitCount)
        fixed =
            ghostBytes + FillGuard.byteCount(stripes: stripes) + ReaderLanes.byteCount(lanes)
            + shards * MemoryLayout<RowTable>.stride + SlotEdits.byteCount
            + Segments.listBytes(byteBudget: budget, segmentBytes: segmentBytes)
        // An absence takes about half as much in its table; one segment more is being emptied.
        absenceSegments = max(2, budget / 16 * 2 / 3 / segmentBytes - 1)
    }

    /// A row that takes more than this is not held.
    ///
    /// A little over a quarter of a segment, so that the largest row has its place in the largest one.
    var mostRecordBytes: Int { segmentBytes / 32 * 9 }

    @inline(__always)
    func shard(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: (hash >> 1) >> shardShift) }

    /// The greatest power of two that is not over a number, at least 1.
    private static func powerOfTwo(_ number: Int) -> Int {
        1 << (Int.bitWidth - 1 - max(1, number).leadingZeroBitCount)
    }
}
