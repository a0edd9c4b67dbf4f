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
        var whole = ExactDivision(by: 1)
        for index in values.indices where isPresent(index) {
            let distance = UInt64(bitPattern: values[index] &- least)
            if step != 0, whole.divides(distance) { continue }
            var (larger, smaller) = (step, distance)
            while smaller != 0 { (larger, smaller) = (smaller, larger % smaller) }
            step = larger
            if step == 1 { return 1 }
            if step != 0 { whole = ExactDivision(by: step) }
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
        let whole = ExactDivision(by: plan.scale)
        append(values.count, plan, to: &bytes) { index in
            guard isPresent(index) else { return 0 }
            return whole.quotient(of: UInt64(bitPattern: values[index] &- plan.base))
        }
    }

    /// Appends the header and so many fields, each of at most the plan's width.
    @inline(__always)
    static func append(
        _ count: Int,
        _ plan: Plan,
        to bytes: inout [UInt8],
        field: (Int) -> UInt64
    ) {
        let start = bytes.count
        let size = byteCount(rows: count, width: plan.width)
        bytes.append(contentsOf: repeatElement(0, count: size))
        bytes.withUnsafeMutableBytes { all in
            let raw = UnsafeMutableRawBufferPointer(rebasing: all[start...])
            raw.storeBytes(of: plan.base, as: Int64.self)
            raw.storeBytes(of: plan.scale, toByteOffset: 8, as: UInt64.self)
            raw.storeBytes(of: UInt8(plan.width), toByteOffset: 16, as: UInt8.self)
            // Fields gather in a word, and whole words are stored.
            var (word, used, place) = (UInt64(0), 0, headerBytes)
            for index in 0..<count {
                let next = field(index)
                word |= next &<< UInt64(used)
                used &+= plan.width
                if used >= 64 {
                    raw.storeBytes(of: word, toByteOffset: place, as: UInt64.self)
                    place &+= 8
                    used &-= 64
                    // Shifts by the whole width of a word give zero.
                    word = next >> UInt64(plan.width &- used)
                }
            }
            raw.storeBytes(of: word, toByteOffset: place, as: UInt64.self)
        }
    }
}

/// Divides multiples of a number by it, with one product instead of a division.
struct ExactDivision {
    private let shift: UInt64
    /// Times the odd part of the divisor it is one, modulo two to the 64.
    private let inverse: UInt64
    /// The greatest quotient of the odd part.
    private let most: UInt64

    /// The divisor is not zero.
    init(by divisor: UInt64) {
        shift = UInt64(divisor.trailingZeroBitCount)
        let odd = divisor >> shift
        // Right in three bits; each round doubles them.
        var inverse = odd
        for _ in 0..<5 { inverse = inverse &* (2 &- odd &* inverse) }
        self.inverse = inverse
        most = .max / odd
    }

    /// The number is a multiple of the divisor.
    @inline(__always)
    func quotient(of number: UInt64) -> UInt64 { (number &>> shift) &* inverse }

    @inline(__always)
    func divides(_ number: UInt64) -> Bool {
        number & ((1 &<< shift) &- 1) == 0 && quotient(of: number) <= most
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
