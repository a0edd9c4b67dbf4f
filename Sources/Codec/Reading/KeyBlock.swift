package import Domain

/// The keys of a run of rows end to end, each behind the same few bytes.
///
/// Belongs to one thread, which fills it again and again; it grows and never shrinks.
package final class KeyBlock {
    package private(set) var bytes: UnsafeMutableRawPointer
    /// `count + 1` of them, from 0.
    package private(set) var starts: UnsafeMutablePointer<Int32>
    package private(set) var count = 0
    private var byteCapacity = 0
    private var capacity = 0

    package init() {
        bytes = .allocate(byteCount: 0, alignment: 8)
        starts = .allocate(capacity: 1)
        starts[0] = 0
    }

    deinit {
        bytes.deallocate()
        starts.deallocate()
    }

    package var byteCount: Int { Int(starts[count]) }

    package subscript(row: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
            start: bytes + Int(starts[row]),
            count: Int(starts[row + 1] - starts[row])
        )
    }

    /// Takes the keys that these columns, which have no null, hold in the rows; throws where one is
    /// over `Limits.keyBytes`.
    package func fill(
        _ columns: [Column],
        rows: Range<Int>,
        behind prefix: [UInt8]
    ) throws(AlulaError) {
        begin(rows.count)
        if columns.count == 1, columns[0].type == .int64 {
            fillIntegers(columns[0], rows, prefix)
        } else {
            try fillAny(columns, rows, prefix)
        }
    }

    private func begin(_ rows: Int) {
        count = rows
        guard rows > capacity else { return }
        starts.deallocate()
        capacity = max(rows, 2 * capacity)
        starts = .allocate(capacity: capacity + 1)
        starts[0] = 0
    }

    private func reserve(_ size: Int, keeping used: Int) {
        guard size > byteCapacity else { return }
        byteCapacity = max(size, 2 * byteCapacity)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: byteCapacity, alignment: 8)
        larger.copyMemory(from: bytes, byteCount: used)
        bytes.deallocate()
        bytes = larger
    }

    private func fillIntegers(_ column: Column, _ rows: Range<Int>, _ prefix: [UInt8]) {
        let size = prefix.count + KeyCodec.integerBytes
        reserve(size * rows.count, keeping: 0)
        let bytes = bytes
        let starts = starts
        column.values.withUnsafeBytes { values in
            prefix.withUnsafeBytes { prefix in
                var place = 0
                for row in rows {
                    let number = values.loadUnaligned(fromByteOffset: 8 * row, as: Int64.self)
                    if let first = prefix.baseAddress {
                        (bytes + place).copyMemory(from: first, byteCount: prefix.count)
                    }
                    place += prefix.count
                    KeyCodec.store(number, at: bytes + place)
                    place += KeyCodec.integerBytes
                    starts[row - rows.lowerBound + 1] = Int32(truncatingIfNeeded: place)
                }
            }
        }
    }

    private func fillAny(
        _ columns: [Column],
        _ rows: Range<Int>,
        _ prefix: [UInt8]
    ) throws(AlulaError) {
        var key: [UInt8] = []
        var place = 0
        for row in rows {
            key.removeAll(keepingCapacity: true)
            key.append(contentsOf: prefix)
            KeyCodec.append(columns, row: row, to: &key)
            guard key.count - prefix.count <= Limits.keyBytes else {
                throw .invalid(
                    "key row \(row): the key is over the limit of \(Limits.keyBytes) bytes"
                )
            }
            guard place + key.count <= Int(Int32.max) else {
                throw AlulaError(.resourceExhausted, "the keys of one read are over 2 GiB")
            }
            reserve(place + key.count, keeping: place)
            key.withUnsafeBytes { raw in
                if let start = raw.baseAddress {
                    (bytes + place).copyMemory(from: start, byteCount: raw.count)
                }
            }
            place += key.count
            starts[row - rows.lowerBound + 1] = Int32(truncatingIfNeeded: place)
        }
    }
}
