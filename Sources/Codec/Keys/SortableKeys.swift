package import Domain

/// Many entity keys of one entity, made ready to be compared often, in the order of their canonical
/// bytes.
///
/// Of each key the eight canonical bytes behind the first tag stand as one number, so that most
/// comparisons are of two integers; of a key that is one int64 they are the whole key.
package struct SortableKeys: Sendable {
    /// Whether the prefix is the whole key.
    package let isExact: Bool
    package private(set) var prefixes: [UInt64] = []
    private var bytes: [UInt8] = []
    /// Where each key begins in `bytes`, and where the last one ends; unused where prefixes are
    /// exact.
    private var offsets: [Int] = [0]

    package init(_ types: [KeyType]) { isExact = types == [.int64] }

    /// The keys of all rows; the columns have no nulls.
    package init(_ types: [KeyType], columns: [Column]) {
        self.init(types)
        let rows = columns.first?.count ?? 0
        guard isExact else {
            prefixes.reserveCapacity(rows)
            offsets.reserveCapacity(rows + 1)
            for row in 0..<rows { append(columns, row: row) }
            return
        }
        columns[0].values.withUnsafeBytes { raw in
            prefixes = [UInt64](unsafeUninitializedCapacity: rows) { buffer, filled in
                for row in 0..<rows {
                    buffer[row] =
                        raw.loadUnaligned(fromByteOffset: 8 * row, as: UInt64.self) ^ 1 << 63
                }
                filled = rows
            }
        }
    }

    package var count: Int { prefixes.count }

    package mutating func reserveCapacity(_ count: Int) { prefixes.reserveCapacity(count) }

    package mutating func append(_ columns: [Column], row: Int) {
        if isExact {
            prefixes.append(columns[0].load(row, as: UInt64.self) ^ 1 << 63)
        } else {
            KeyCodec.append(columns, row: row, to: &bytes)
            endKey()
        }
    }

    /// Keys of one int64 each, by their prefixes.
    package init(exact prefixes: [UInt64]) {
        isExact = true
        self.prefixes = prefixes
    }

    /// Appends the keys of all rows; the column has no nulls, and the keys are one int64 each.
    package mutating func append(exact column: Column) {
        precondition(isExact)
        prefixes += SortableKeys([.int64], columns: [column]).prefixes
    }

    /// Appends a key whose prefix is the whole of it.
    mutating func append(exact prefix: UInt64) {
        precondition(isExact)
        prefixes.append(prefix)
    }

    package mutating func append(_ key: EntityKey) {
        let canonical = KeyCodec.encode(key)
        if isExact {
            prefixes.append(SortableKeys.prefix(canonical, from: 0, to: canonical.count))
        } else {
            bytes.append(contentsOf: canonical)
            endKey()
        }
    }

    package mutating func append(_ index: Int, of other: SortableKeys) {
        prefixes.append(other.prefixes[index])
        guard !isExact else { return }
        bytes.append(contentsOf: other.bytes[other.offsets[index]..<other.offsets[index + 1]])
        offsets.append(bytes.count)
    }

    /// The key as `KeyCodec` writes it.
    package func canonicalBytes(_ index: Int) -> [UInt8] {
        guard isExact else { return Array(bytes[offsets[index]..<offsets[index + 1]]) }
        return [KeyType.int64.rawValue]
            + (0..<8).map { UInt8(truncatingIfNeeded: prefixes[index] >> UInt64(56 - 8 * $0)) }
    }

    private mutating func endKey() {
        prefixes.append(
            SortableKeys.prefix(bytes, from: offsets[offsets.count - 1], to: bytes.count)
        )
        offsets.append(bytes.count)
    }

    private static func prefix(_ bytes: [UInt8], from start: Int, to end: Int) -> UInt64 {
        var prefix: UInt64 = 0
        for index in start + 1..<start + 9 {
            prefix = prefix << 8 | (index < end ? UInt64(bytes[index]) : 0)
        }
        return prefix
    }
}

extension SortableKeys {
    /// Less than zero where this key comes first, more where the other does, zero where they are
    /// equal.
    @inline(__always)
    package func compare(_ index: Int, _ other: SortableKeys, _ otherIndex: Int) -> Int {
        let (left, right) = (prefixes[index], other.prefixes[otherIndex])
        guard left == right else { return left < right ? -1 : 1 }
        return isExact ? 0 : compareTails(index, other, otherIndex)
    }

    /// The order of two keys whose prefixes are equal.
    package func compareTails(_ index: Int, _ other: SortableKeys, _ otherIndex: Int) -> Int {
        guard !isExact else { return 0 }
        let (start, otherStart) = (offsets[index], other.offsets[otherIndex])
        let (length, otherLength) = (
            offsets[index + 1] - start, other.offsets[otherIndex + 1] - otherStart
        )
        return bytes.withUnsafeBytes { left in
            other.bytes.withUnsafeBytes { right in
                // The tag and the prefix are equal; no key is the beginning of another.
                var step = min(9, length, otherLength)
                while step + 8 <= length, step + 8 <= otherLength {
                    let word = left.loadUnaligned(fromByteOffset: start + step, as: UInt64.self)
                    let otherWord = right.loadUnaligned(
                        fromByteOffset: otherStart + step,
                        as: UInt64.self
                    )
                    if word != otherWord { return word.bigEndian < otherWord.bigEndian ? -1 : 1 }
                    step += 8
                }
                while step < length, step < otherLength {
                    let (byte, otherByte) = (left[start + step], right[otherStart + step])
                    if byte != otherByte { return byte < otherByte ? -1 : 1 }
                    step += 1
                }
                return length - otherLength
            }
        }
    }

    /// In an ascending list, the first index from `start` on whose key is not before the other key;
    /// steps that double, so that near is cheap.
    package func firstIndex(
        from start: Int,
        notBefore other: SortableKeys,
        _ otherIndex: Int
    ) -> Int {
        search(from: start) { compare($0, other, otherIndex) < 0 }
    }

    /// As above, for the first key that is after the other key.
    package func firstIndex(from start: Int, after other: SortableKeys, _ otherIndex: Int) -> Int {
        search(from: start) { compare($0, other, otherIndex) <= 0 }
    }

    @inline(__always)
    private func search(from start: Int, isBefore: (Int) -> Bool) -> Int {
        var low = start
        var step = 1
        while low + step <= count, isBefore(low + step - 1) {
            low += step
            step *= 2
        }
        var high = min(low + step - 1, count)
        while low < high {
            let middle = (low + high) / 2
            if isBefore(middle) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
