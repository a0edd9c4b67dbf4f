import Codec
import Domain

/// Rows of a table of vectors that hold what an earlier row of it holds: the same keys, features,
/// statuses and event times, whatever came with the request.
///
/// Entities that are asked for often are served the same row again and again; it is stored once.
struct RowRepeats {
    /// The rows that are stored, in their order.
    let distinct: [Int32]
    /// For each row, the place of its like among `distinct`.
    let places: [Int64]

    /// Fewer rows are stored as they are.
    private static let fewRows = 64

    /// Nil where less than half of the rows repeat others.
    init?(_ table: ServedTable) {
        guard table.rows >= Self.fewRows else { return nil }
        let parts = zip(table.layout.entries, table.columns).filter(\.0.content.isOfVector)
        guard !parts.isEmpty else { return nil }
        let hashed = parts.filter { $0.0.content == .key || $0.0.content == .event }
        var likes = Self.likes(hashed.map(\.1), rows: table.rows)
        guard Self.isWorth(likes) else { return nil }
        for (_, column) in parts { Self.check(&likes, column) }
        guard Self.isWorth(likes) else { return nil }
        var distinct: [Int32] = []
        var places = [Int64](repeating: 0, count: table.rows)
        for row in likes.indices {
            let like = Int(likes[row])
            if like == row {
                places[row] = Int64(distinct.count)
                distinct.append(Int32(row))
            } else {
                places[row] = places[like]
            }
        }
        self.distinct = distinct
        self.places = places
    }

    private static func isWorth(_ likes: [Int32]) -> Bool {
        2 * likes.indices.count { likes[$0] == Int32($0) } <= likes.count
    }

    /// For each row the first one with the same hash of these columns, or itself.
    private static func likes(_ columns: [Column], rows: Int) -> [Int32] {
        var hashes = [UInt64](repeating: 0, count: rows)
        for column in columns {
            for row in 0..<rows { hashes[row] = mixed(hashes[row] ^ hash(column, row)) }
        }
        let slots = (2 * rows).nextPowerOfTwo
        var owners = [Int32](repeating: -1, count: slots)
        return hashes.indices.map { row in
            var slot = Int(truncatingIfNeeded: hashes[row]) & (slots - 1)
            while true {
                let owner = owners[slot]
                if owner < 0 {
                    owners[slot] = Int32(row)
                    return Int32(row)
                }
                if hashes[Int(owner)] == hashes[row] { return owner }
                slot = (slot + 1) & (slots - 1)
            }
        }
    }

    @inline(__always)
    private static func mixed(_ bits: UInt64) -> UInt64 {
        let product = bits.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low
    }

    @inline(__always)
    private static func hash(_ column: Column, _ row: Int) -> UInt64 {
        if column.type.fixedRowBytes == 8 { return column.load(row, as: UInt64.self) &+ 1 }
        guard let bytes = column.bytes(row) else { return 0 }
        return unsafe column.values[bytes].withUnsafeBytes { unsafe Checksum.xxh64($0) }
    }

    /// Rows that differ from their like in this column have none any more.
    private static func check(_ likes: inout [Int32], _ column: Column) {
        if column.type.fixedRowBytes == 8, column.validity.isEmpty {
            unsafe column.values.withUnsafeBytes { raw in
                let words = unsafe raw.bindMemory(to: UInt64.self)
                for row in likes.indices where unsafe words[row] != words[Int(likes[row])] {
                    likes[row] = Int32(row)
                }
            }
            return
        }
        for row in likes.indices where likes[row] != Int32(row) {
            if !column.hasSameBytes(row, Int(likes[row])) { likes[row] = Int32(row) }
        }
    }
}

extension ServedLayout.Content {
    /// Whether it is the same for each time that the same row is served.
    var isOfVector: Bool {
        switch self {
        case .key, .feature, .status, .event: true
        case .stamp, .rest, .stage, .logEntry, .request, .value, .time, .recorded: false
        }
    }
}

extension Column {
    /// The items of a row's list.
    private func items(_ row: Int) -> Range<Int> {
        if case .fixedList(_, let length) = type { return row * length..<(row + 1) * length }
        return Int(offsets[row])..<Int(offsets[row + 1])
    }

    /// Where the bytes of a row's value are; nil where they are bits.
    fileprivate func bytes(_ row: Int) -> Range<Int>? {
        if let width = type.fixedRowBytes { return row * width..<(row + 1) * width }
        if case .scalar = type {
            return offsets.isEmpty ? nil : items(row)
        }
        let items = items(row)
        if !itemOffsets.isEmpty {
            return Int(itemOffsets[items.lowerBound])..<Int(itemOffsets[items.upperBound])
        }
        return type.item.fixedWidth.map { items.lowerBound * $0..<items.upperBound * $0 }
    }

    /// Whether two rows hold the same, bit by bit; false also where that is not known.
    fileprivate func hasSameBytes(_ row: Int, _ other: Int) -> Bool {
        guard isValid(row) == isValid(other) else { return false }
        guard isValid(row) else { return true }
        if type == .scalar(.bool) { return bit(row) == bit(other) }
        guard let bytes = bytes(row), let others = self.bytes(other),
            values[bytes] == values[others]
        else { return false }
        return itemOffsets.isEmpty || lengths(row).elementsEqual(lengths(other))
    }

    private func lengths(_ row: Int) -> some Sequence<Int32> {
        items(row).lazy.map { itemOffsets[$0 + 1] - itemOffsets[$0] }
    }
}

extension Int {
    /// The least power of two that is not below it.
    fileprivate var nextPowerOfTwo: Int {
        self <= 1 ? 1 : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount)
    }
}
