/// Rows end to end in memory of one owner, each at a multiple of 8; kept from request to request.
///
/// Adding may move all rows: a place is an offset from `base`.
@safe package struct RowArena: ~Copyable {
    package private(set) var base: UnsafeMutableRawPointer
    /// Bytes in use, the gaps between rows among them.
    package private(set) var count = 0
    private var capacity: Int

    /// Places are 32 bits wide.
    package static let mostBytes = Int(Int32.max) & ~7
    private static let keptBytes = 8 << 20

    package init(reservingBytes bytes: Int = 64 << 10) {
        capacity = max(64, bytes)
        unsafe base = .allocate(byteCount: capacity, alignment: Self.alignment)
    }

    deinit { unsafe base.deallocate() }

    /// Forgets the rows; memory that one large request took is given back.
    package mutating func removeAll() {
        count = 0
        guard capacity > Self.keptBytes else { return }
        unsafe base.deallocate()
        capacity = Self.keptBytes
        unsafe base = .allocate(byteCount: capacity, alignment: Self.alignment)
    }

    /// Whether so many bytes more can have a place.
    @inline(__always)
    package func hasRoom(for bytes: Int) -> Bool { count + bytes <= Self.mostBytes }

    /// Adds the bytes of a row; answers where they stand.
    @inline(__always)
    package mutating func append(_ start: UnsafeRawPointer, count size: Int) -> Int32 {
        let place = count
        let end = place + (size + 7) & ~7
        if end > capacity { grow(to: end) }
        unsafe (base + place).copyMemory(from: start, byteCount: size)
        count = end
        return Int32(truncatingIfNeeded: place)
    }

    /// Adds the bytes of a row; answers where they stand.
    package mutating func append(_ row: UnsafeRawBufferPointer) -> Int32 {
        guard let start = row.baseAddress else { return Int32(truncatingIfNeeded: count) }
        return unsafe append(start, count: row.count)
    }

    @inline(never)
    private mutating func grow(to end: Int) {
        precondition(end <= Self.mostBytes, "an arena holds at most 2 GiB")
        let larger = min(max(end, 2 * capacity), Self.mostBytes)
        let moved = UnsafeMutableRawPointer.allocate(
            byteCount: larger,
            alignment: Self.alignment
        )
        unsafe moved.copyMemory(from: base, byteCount: count)
        unsafe base.deallocate()
        unsafe base = moved
        capacity = larger
    }

    private static let alignment = 64
}
