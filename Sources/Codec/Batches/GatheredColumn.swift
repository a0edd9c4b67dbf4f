import Glibc

package import Domain
import Synchronization

/// A column that several threads put together, each its own rows; what is not placed is null.
///
/// Values of fixed width stand where they belong at once; others wait in pieces until `texts` puts
/// them in order. Whoever shares it promises that no row is placed by two threads, and that nobody
/// reads before all are done: that is what makes it Sendable.
package final class GatheredColumn: @unchecked Sendable {
    package let type: ValueType
    package let count: Int
    /// Bytes of one row in `values`: a bool takes one; 0 where rows have no fixed width.
    let rowBytes: Int
    let values: UnsafeMutableRawPointer
    private let memory: LargeMemory
    /// One byte a row: 1 present.
    let present: UnsafeMutablePointer<UInt8>
    private let pieces = Mutex<[Piece]>([])

    /// Rows of a column and where they belong.
    private struct Piece: Sendable {
        var column: Column
        var targets: [Int32]
    }

    /// All rows are null.
    package init(_ type: ValueType, count: Int) {
        self.type = type
        self.count = count
        rowBytes = type == .bool ? 1 : type.fixedRowBytes ?? 0
        // Fresh zero pages cost nothing until they are touched.
        memory = LargeMemory(byteCount: count * rowBytes)
        values = memory.start
        present = calloc(max(1, count), 1).assumingMemoryBound(to: UInt8.self)
    }

    /// Rows of blocks are to be placed where there is a 1: one byte for each row.
    ///
    /// Placing them is cheaper, because only what is null in its block has to be noted.
    package convenience init(_ type: ValueType, expecting flags: [UInt8]) {
        self.init(type, count: flags.count)
        flags.withUnsafeBytes {
            UnsafeMutableRawPointer(present).copyMemory(
                from: $0.baseAddress ?? UnsafeRawPointer(values),
                byteCount: flags.count
            )
        }
    }

    deinit {
        memory.deallocate()
        free(present)
    }

    /// Whether its rows are in place as soon as they are placed.
    package var isFixedWidth: Bool { rowBytes > 0 }

    /// Places all rows of a column of this type from `start` on.
    package func place(_ column: Column, from start: Int) {
        precondition(column.type == type && start >= 0 && start + column.count <= count)
        if column.validity.isEmpty {
            (present + start).update(repeating: 1, count: column.count)
        } else {
            for row in 0..<column.count where column.isValid(row) { present[start + row] = 1 }
        }
        if type == .bool {
            for row in 0..<column.count where column.bit(row) {
                values.storeBytes(of: 1, toByteOffset: start + row, as: UInt8.self)
            }
        } else if rowBytes > 0 {
            column.values.withUnsafeBytes { raw in
                (values + start * rowBytes).copyMemory(
                    from: raw.baseAddress ?? UnsafeRawPointer(values),
                    byteCount: raw.count
                )
            }
        } else {
            let targets = Array(Int32(start)..<Int32(start + column.count))
            pieces.withLock { $0.append(Piece(column: column, targets: targets)) }
        }
    }

    /// Leaves these rows null, which are expected.
    package func leaveNull(_ targets: UnsafeBufferPointer<Int32>) {
        for target in targets { present[Int(target)] = 0 }
    }

    /// Places row `rows[i]` of a stored block at `targets[i]`, which is expected; the block's type
    /// is this one or one that widens to it.
    package func place(
        _ rows: UnsafeBufferPointer<Int32>,
        of block: StoredBlock,
        at targets: UnsafeBufferPointer<Int32>
    ) throws(AlulaError) {
        precondition(rows.count == targets.count)
        if rowBytes == 8, block.type == type, try placeWords(rows, of: block, at: targets) {
            return
        }
        try placeAny(rows, of: try block.column(), at: targets)
    }

    /// Places eight-byte values; false where they are not.
    private func placeWords(
        _ rows: UnsafeBufferPointer<Int32>,
        of block: StoredBlock,
        at targets: UnsafeBufferPointer<Int32>
    ) throws(AlulaError) -> Bool {
        guard case .scalar = type else { return false }
        for row in rows {
            guard row >= 0, row < block.rows else {
                throw .corrupt("a row is asked for that its block does not have")
            }
        }
        let words = values.assumingMemoryBound(to: UInt64.self)
        switch block.body {
        case .plain(let bytes):
            scatter(rows, block, targets, words) {
                bytes.loadUnaligned(fromByteOffset: 8 &* $0, as: UInt64.self)
            }
        case .packed(let reader):
            scatter(rows, block, targets, words) { UInt64(bitPattern: reader[$0]) }
        case .split(let reader): scatter(rows, block, targets, words) { reader[$0] }
        case .dictionary: return false
        }
        return true
    }

    @inline(__always)
    private func scatter(
        _ rows: UnsafeBufferPointer<Int32>,
        _ block: StoredBlock,
        _ targets: UnsafeBufferPointer<Int32>,
        _ words: UnsafeMutablePointer<UInt64>,
        _ value: (Int) -> UInt64
    ) {
        if block.validity.isEmpty {
            for index in 0..<rows.count { words[Int(targets[index])] = value(Int(rows[index])) }
        } else {
            for index in 0..<rows.count {
                let (row, target) = (Int(rows[index]), Int(targets[index]))
                if block.isValid(row) { words[target] = value(row) } else { present[target] = 0 }
            }
        }
    }

    private func placeAny(
        _ rows: UnsafeBufferPointer<Int32>,
        of stored: Column,
        at targets: UnsafeBufferPointer<Int32>
    ) throws(AlulaError) {
        guard let column = stored.taking(Array(rows)[...]).widened(to: type) else {
            throw .refused(
                "a feature is kept as \(stored.type), asked for as \(type): that is narrower",
                help: "use a service version published after the feature was widened"
            )
        }
        guard rowBytes > 0 else {
            pieces.withLock { $0.append(Piece(column: column, targets: Array(targets))) }
            return
        }
        column.values.withUnsafeBytes { raw in
            for index in 0..<targets.count {
                let target = Int(targets[index])
                guard column.isValid(index) else {
                    present[target] = 0
                    continue
                }
                if type == .bool {
                    let bit: UInt8 = column.bit(index) ? 1 : 0
                    values.storeBytes(of: bit, toByteOffset: target, as: UInt8.self)
                } else {
                    let slot = raw[index * rowBytes..<(index + 1) * rowBytes]
                    UnsafeMutableRawBufferPointer(
                        start: values + target * rowBytes,
                        count: rowBytes
                    ).copyMemory(from: UnsafeRawBufferPointer(rebasing: slot))
                }
            }
        }
    }
}

extension GatheredColumn {
    /// About the bytes that wait in pieces.
    package var waitingBytes: Int {
        pieces.withLock { $0.reduce(0) { $0 + BatchCodec.byteCount($1.column) } }
    }

    /// Where each row of no fixed width stands among the pieces.
    package func texts() -> GatheredTexts {
        pieces.withLock { pieces in
            var piece = [Int32](repeating: -1, count: count)
            var row = [Int32](repeating: 0, count: count)
            for (number, waiting) in pieces.enumerated() {
                for (index, target) in waiting.targets.enumerated()
                where waiting.column.isValid(index) {
                    piece[Int(target)] = Int32(number)
                    row[Int(target)] = Int32(index)
                }
            }
            return GatheredTexts(
                type: type,
                columns: pieces.map(\.column),
                pieceOfRow: piece,
                rowInPiece: row
            )
        }
    }

    /// The values of the rows of this range where they stand, and one byte a row, 1 for a value; the
    /// type is of fixed width.
    package func withRows(
        _ range: Range<Int>,
        _ body: (UnsafeRawBufferPointer, UnsafeBufferPointer<UInt8>) -> Void
    ) {
        precondition(rowBytes > 0 && range.upperBound <= count)
        body(
            UnsafeRawBufferPointer(
                start: values + range.lowerBound * rowBytes,
                count: range.count * rowBytes
            ),
            UnsafeBufferPointer(start: present + range.lowerBound, count: range.count)
        )
    }

    /// The rows of this range as a column; the type is of fixed width.
    package func column(_ range: Range<Int>) -> Column {
        precondition(rowBytes > 0 && range.upperBound <= count)
        let valid = UnsafeBufferPointer(start: present + range.lowerBound, count: range.count)
        var bits: [UInt8] = []
        if valid.contains(0) { bits = BitPacking.bits(valid) }
        let source = values + range.lowerBound * rowBytes
        let bytes: [UInt8]
        if type == .bool {
            let flags = UnsafeBufferPointer(
                start: source.assumingMemoryBound(to: UInt8.self),
                count: range.count
            )
            bytes = BitPacking.bits(flags)
        } else {
            bytes = Array(UnsafeRawBufferPointer(start: source, count: range.count * rowBytes))
        }
        return Column(
            type: type,
            count: range.count,
            validity: bits,
            offsets: [],
            itemOffsets: [],
            values: bytes
        )
    }
}

/// The rows of a gathered column of no fixed width.
package struct GatheredTexts: Sendable {
    let type: ValueType
    let columns: [Column]
    let pieceOfRow: [Int32]
    let rowInPiece: [Int32]

    /// The rows of this range as a column.
    package func column(_ range: Range<Int>) -> Column {
        var builder = ColumnBuilder(type, reservingRows: range.count)
        for row in range {
            if pieceOfRow[row] < 0 {
                builder.appendNull()
            } else {
                builder.append(row: Int(rowInPiece[row]), of: columns[Int(pieceOfRow[row])])
            }
        }
        return builder.finish()
    }
}

/// Bytes of 0 and 1 as bits, least significant first.
enum BitPacking {
    static func bits(_ flags: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: (flags.count + 7) / 8) { buffer, filled in
            write(flags, to: UnsafeMutableRawBufferPointer(buffer))
            filled = (flags.count + 7) / 8
        }
    }

    static func write(
        _ flags: UnsafeBufferPointer<UInt8>,
        to target: UnsafeMutableRawBufferPointer
    ) {
        let raw = UnsafeRawBufferPointer(flags)
        for byte in 0..<flags.count / 8 {
            let eight = raw.loadUnaligned(fromByteOffset: 8 * byte, as: UInt64.self)
            // Brings the lowest bit of each byte together in the highest byte.
            target[byte] = UInt8(truncatingIfNeeded: (eight &* 0x0102_0408_1020_4080) &>> 56)
        }
        guard flags.count & 7 != 0 else { return }
        var last: UInt8 = 0
        for index in (flags.count & ~7)..<flags.count where flags[index] != 0 {
            last |= 1 << UInt8(index & 7)
        }
        target[flags.count / 8] = last
    }
}
