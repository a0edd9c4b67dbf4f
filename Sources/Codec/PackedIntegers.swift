/// Integers as equally wide bit fields: each is `base + scale * field`.
///
/// ```
/// i64 base | u64 scale | u8 width, 0...56 | 7 zero bytes
/// fields, least significant bit first | 8 zero bytes, so that a field is read by one load
/// ```
enum PackedIntegers {
    static let headerBytes = 24
    static let widestField = 56

    static func byteCount(rows: Int, width: Int) -> Int {
        headerBytes + (rows * width + 7) / 8 + 8
    }

    /// How to pack some integers; nil where they spread too far.
    struct Plan {
        var base: Int64
        var scale: UInt64
        var width: Int

        init?(least: Int64, greatest: Int64, scale: UInt64) {
            let span = UInt64(bitPattern: greatest &- least) / scale
            let width = 64 - span.leadingZeroBitCount
            guard width <= PackedIntegers.widestField else { return nil }
            base = least
            self.scale = scale
            self.width = width
        }
    }

    /// The plan for the values at which `isPresent`, which are at least one; nil where packing does
    /// not serve.
    @inline(__always)
    static func plan(_ values: UnsafeBufferPointer<Int64>, isPresent: (Int) -> Bool) -> Plan? {
        var least = Int64.max
        var greatest = Int64.min
        for index in values.indices where isPresent(index) {
            let value = values[index]
            if value < least { least = value }
            if value > greatest { greatest = value }
        }
        guard least <= greatest else { return Plan(least: 0, greatest: 0, scale: 1) }
        return Plan(
            least: least,
            greatest: greatest,
            scale: commonStep(values, from: least, isPresent: isPresent)
        )
    }

    /// The greatest number that divides the distance of every value from the least.
    @inline(__always)
    private static func commonStep(
        _ values: UnsafeBufferPointer<Int64>,
        from least: Int64,
        isPresent: (Int) -> Bool
    ) -> UInt64 {
        var step: UInt64 = 0
        for index in values.indices where isPresent(index) {
            let distance = UInt64(bitPattern: values[index] &- least)
            if step != 0, distance % step == 0 { continue }
            var (larger, smaller) = (step, distance)
            while smaller != 0 { (larger, smaller) = (smaller, larger % smaller) }
            step = larger
            if step == 1 { return 1 }
        }
        return max(step, 1)
    }

    /// Appends the header and the fields; absent values are stored as the base.
    @inline(__always)
    static func append(
        _ values: UnsafeBufferPointer<Int64>,
        _ plan: Plan,
        isPresent: (Int) -> Bool,
        to bytes: inout [UInt8]
    ) {
        let start = bytes.count
        let size = byteCount(rows: values.count, width: plan.width)
        bytes.append(contentsOf: repeatElement(0, count: size))
        bytes.withUnsafeMutableBytes { all in
            let raw = UnsafeMutableRawBufferPointer(rebasing: all[start...])
            raw.storeBytes(of: plan.base, as: Int64.self)
            raw.storeBytes(of: plan.scale, toByteOffset: 8, as: UInt64.self)
            raw.storeBytes(of: UInt8(plan.width), toByteOffset: 16, as: UInt8.self)
            var bit = headerBytes * 8
            for index in values.indices {
                if isPresent(index) {
                    let distance = UInt64(bitPattern: values[index] &- plan.base)
                    let field = plan.scale == 1 ? distance : distance / plan.scale
                    let place = bit >> 3
                    let word = raw.loadUnaligned(fromByteOffset: place, as: UInt64.self)
                    raw.storeBytes(
                        of: word | field << UInt64(bit & 7),
                        toByteOffset: place,
                        as: UInt64.self
                    )
                }
                bit += plan.width
            }
        }
    }
}

/// Reads packed integers in any order from memory that someone else holds.
struct PackedReader {
    private let fields: UnsafeRawPointer
    private let base: Int64
    private let scale: UInt64
    private let width: Int
    private let mask: UInt64

    /// Nil where the bytes are not `rows` packed integers; `size` is what they take.
    init?(_ bytes: UnsafeRawBufferPointer, rows: Int, size: inout Int) {
        guard bytes.count >= PackedIntegers.headerBytes, let start = bytes.baseAddress else {
            return nil
        }
        width = Int(bytes[16])
        guard width <= PackedIntegers.widestField else { return nil }
        size = PackedIntegers.byteCount(rows: rows, width: width)
        guard size <= bytes.count else { return nil }
        base = bytes.loadUnaligned(as: Int64.self)
        scale = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        fields = start + PackedIntegers.headerBytes
        mask = (1 << UInt64(width)) - 1
    }

    /// The integer of a row, which is one of those there are.
    @inline(__always)
    subscript(row: Int) -> Int64 {
        let bit = row &* width
        let word = fields.loadUnaligned(fromByteOffset: bit >> 3, as: UInt64.self)
        let field = word &>> UInt64(bit & 7) & mask
        return base &+ Int64(bitPattern: scale &* field)
    }
}
