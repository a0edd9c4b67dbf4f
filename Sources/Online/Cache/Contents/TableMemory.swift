/// The memory of tables, blocks of powers of two of at least a page.
///
/// A table that was outgrown gives its pages back to the system, and its place to the next of its
/// size.
@safe struct TableMemory {
    private let memory: MappedMemory
    private var used = 0
    /// For each power of two, blocks that are zero and wait for a table.
    private var free: [[UnsafeMutableRawPointer]]
    /// Bytes of the blocks that tables have.
    private(set) var byteCount = 0

    init(reserving byteCount: Int) {
        memory = MappedMemory(
            byteCount: byteCount,
            large: byteCount >= 128 * MappedMemory.largePage
        )
        unsafe free = unsafe [[UnsafeMutableRawPointer]](repeating: [], count: Int.bitWidth)
    }

    func destroy() { memory.unmap() }

    /// Zeroed memory of a power of two; nil where the reserve is at its end.
    mutating func take(_ size: Int) -> UnsafeMutableRawPointer? {
        let block: UnsafeMutableRawPointer
        if let known = unsafe free[size.trailingZeroBitCount].popLast() {
            unsafe block = unsafe known
        } else {
            guard used + size <= memory.byteCount else { return nil }
            unsafe block = unsafe memory.start + used
            used += size
        }
        byteCount += size
        return unsafe block
    }

    mutating func give(_ block: UnsafeMutableRawPointer, _ size: Int) {
        unsafe MappedMemory.release(block, size)
        unsafe free[size.trailingZeroBitCount].append(block)
        byteCount -= size
    }
}
