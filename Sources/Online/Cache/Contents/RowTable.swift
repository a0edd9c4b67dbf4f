import Domain

/// Finds records by their hashes: buckets of one cache line each, with open addressing.
///
/// ```
/// u64: 7 tags of one byte, 0 is free | how many records went past this bucket, 255 is "many"
/// 7 * u64: where the record stands
/// ```
/// A look-up reads the bucket of its hash, compares all tags at once, and goes on to the next bucket
/// only where records went past this one. What is found by tag is compared in the record.
@safe struct RowTable {
    private(set) var buckets: UnsafeMutableRawPointer
    /// The number of buckets, a power of two, less one.
    private(set) var mask: UInt64
    private(set) var count = 0

    static let bucketBytes = 64
    static let slots = 7

    /// The memory is zero.
    init(zeroed memory: UnsafeMutableRawPointer, byteCount: Int) {
        unsafe buckets = unsafe memory
        mask = UInt64(byteCount / Self.bucketBytes - 1)
    }

    var byteCount: Int { Int(mask + 1) * Self.bucketBytes }

    /// Whether so many more records should have a larger table.
    func isFull(adding records: Int) -> Bool {
        (count + records) * 16 > Int(mask + 1) * Self.slots * 13
    }

    @inline(__always)
    func home(_ hash: UInt64) -> UnsafeMutableRawPointer {
        unsafe buckets + Int(truncatingIfNeeded: (hash >> 8 & mask) << 6)
    }

    /// The eight bytes of a bucket that a look-up compares.
    @inline(__always)
    static func control(_ bucket: UnsafeMutableRawPointer) -> UInt64 {
        unsafe bucket.load(as: UInt64.self)
    }

    /// The tags of a hash, seven times.
    @inline(__always)
    static func tags(_ hash: UInt64) -> UInt64 {
        let tag = hash & 0xFF
        return (tag == 0 ? 1 : tag) &* 0x01_0101_0101_0101
    }

    /// The high bit of each of seven bytes that are equal.
    @inline(__always)
    static func matches(_ control: UInt64, _ tags: UInt64) -> UInt64 {
        let low: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
        let difference = control ^ tags
        return ~(((difference & low) &+ low) | difference | low) & 0x0080_8080_8080_8080
    }

    @inline(__always)
    static func hasOverflown(_ control: UInt64) -> Bool { control >> 56 != 0 }

    /// What stands in a slot; bit 3 of the number is ignored.
    @inline(__always)
    static func slot(_ bucket: UnsafeMutableRawPointer, _ number: Int) -> UInt {
        unsafe bucket.load(fromByteOffset: 8 + 8 * (number & 7), as: UInt.self)
    }

    /// The record of a key; nil where there is none.
    func find(
        _ hash: UInt64,
        _ view: UInt32,
        _ key: UnsafeRawPointer,
        _ count: Int
    ) -> RowRecord? {
        unsafe first(hash) { unsafe $0.isOf(hash, view, key, count) }?.record
    }

    mutating func insert(_ hash: UInt64, _ record: RowRecord) {
        let tag = UInt8(truncatingIfNeeded: Self.tags(hash))
        var bucket = unsafe home(hash)
        while true {
            let free = unsafe Self.matches(Self.control(bucket), 0)
            if free != 0 {
                let slot = free.trailingZeroBitCount >> 3
                unsafe bucket.storeBytes(of: tag, toByteOffset: slot, as: UInt8.self)
                unsafe bucket.storeBytes(
                    of: UInt(bitPattern: record.start),
                    toByteOffset: 8 + 8 * slot,
                    as: UInt.self
                )
                count += 1
                return
            }
            unsafe changeOverflow(of: bucket, by: 1)
            unsafe bucket = unsafe next(bucket)
        }
    }

    /// Points the slot of one record to another of the same key; answers whether it was there.
    @discardableResult
    func replace(_ hash: UInt64, _ record: RowRecord, by other: RowRecord) -> Bool {
        guard let (_, bucket, slot) = unsafe first(hash, where: { unsafe $0.start == record.start })
        else {
            return false
        }
        unsafe bucket.storeBytes(
            of: UInt(bitPattern: other.start),
            toByteOffset: 8 + 8 * slot,
            as: UInt.self
        )
        return true
    }

    /// Frees the slot of a record; answers whether it was there.
    @discardableResult
    mutating func remove(_ hash: UInt64, _ record: RowRecord) -> Bool {
        guard let (_, found, slot) = unsafe first(hash, where: { unsafe $0.start == record.start })
        else {
            return false
        }
        var bucket = unsafe home(hash)
        while unsafe bucket != found {
            unsafe changeOverflow(of: bucket, by: -1)
            unsafe bucket = unsafe next(bucket)
        }
        unsafe found.storeBytes(of: 0, toByteOffset: slot, as: UInt8.self)
        count -= 1
        return true
    }

    /// All records, in no order.
    func forEach(_ body: (RowRecord) -> Void) {
        for index in 0...mask {
            let bucket = unsafe buckets + Int(index) * Self.bucketBytes
            for slot in 0..<Self.slots
            where unsafe bucket.load(fromByteOffset: slot, as: UInt8.self) != 0 {
                guard
                    let start = unsafe UnsafeMutableRawPointer(bitPattern: Self.slot(bucket, slot))
                else { continue }
                unsafe body(RowRecord(start))
            }
        }
    }

    /// The first record of this hash's tag that `isIt`, with its place.
    @inline(__always)
    private func first(
        _ hash: UInt64,
        where isIt: (RowRecord) -> Bool
    ) -> (record: RowRecord, bucket: UnsafeMutableRawPointer, slot: Int)? {
        let tags = Self.tags(hash)
        var bucket = unsafe home(hash)
        for _ in 0...mask {
            let control = unsafe Self.control(bucket)
            var found = Self.matches(control, tags)
            while found != 0 {
                let slot = found.trailingZeroBitCount >> 3
                if let start = unsafe UnsafeMutableRawPointer(bitPattern: Self.slot(bucket, slot)) {
                    let record = unsafe RowRecord(start)
                    if isIt(record) { return unsafe (record, bucket, slot) }
                }
                found &= found - 1
            }
            guard Self.hasOverflown(control) else { return nil }
            unsafe bucket = unsafe next(bucket)
        }
        return nil
    }

    @inline(__always)
    private func next(_ bucket: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        let following = unsafe bucket + Self.bucketBytes
        return unsafe following == buckets + byteCount ? buckets : following
    }

    private func changeOverflow(of bucket: UnsafeMutableRawPointer, by change: Int) {
        let count = unsafe Int(bucket.load(fromByteOffset: 7, as: UInt8.self))
        // 255 has lost count: it stays until the table is built anew.
        guard count < 255 else { return }
        unsafe bucket.storeBytes(of: UInt8(count + change), toByteOffset: 7, as: UInt8.self)
    }
}
