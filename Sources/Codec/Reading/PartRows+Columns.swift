import Domain

// Loops over the rows of a part, a column at a time. The null row is all zero, so that rows that are
// not present need no branch.
extension PartRows {
    func hasNulls(_ reader: PartReader, _ feature: Int, _ base: UnsafeRawPointer) -> Bool {
        guard presentCount == count else { return count > 0 }
        if let sole = soleVersion {
            guard count > 0 else { return false }
            let source = reader.versions[sole].sources[feature]
            guard source.way != .none else { return true }
            let byte = RowCodec.headerBytes + source.slot >> 3
            var all: UInt8 = 0xFF
            for row in 0..<count {
                all &= base.load(fromByteOffset: Int(places[row]) + byte, as: UInt8.self)
            }
            return all & (1 << UInt8(source.slot & 7)) == 0
        }
        return !(0..<count).allSatisfy { isValid($0, reader, feature, base) }
    }

    /// Whether the row is present and has a value there.
    private func isValid(
        _ row: Int,
        _ reader: PartReader,
        _ feature: Int,
        _ base: UnsafeRawPointer
    ) -> Bool {
        let source = reader.versions[Int(versions[row])].sources[feature]
        guard source.way != .none else { return false }
        let byte = Int(places[row]) + RowCodec.headerBytes + source.slot >> 3
        return base.load(fromByteOffset: byte, as: UInt8.self) & (1 << UInt8(source.slot & 7)) != 0
    }

    func writeValidity(
        _ reader: PartReader,
        _ feature: Int,
        _ base: UnsafeRawPointer,
        to target: UnsafeMutableRawPointer
    ) {
        packBits(to: target) { row in isValid(row, reader, feature, base) }
    }

    func writeBits(
        _ reader: PartReader,
        _ feature: Int,
        _ base: UnsafeRawPointer,
        to target: UnsafeMutableRawPointer
    ) {
        packBits(to: target) { row in
            let source = reader.versions[Int(versions[row])].sources[feature]
            guard source.way != .none else { return false }
            let place = Int(places[row]) + source.start
            return base.load(fromByteOffset: place, as: UInt8.self) != 0
        }
    }

    @inline(__always)
    private func packBits(to target: UnsafeMutableRawPointer, _ bit: (Int) -> Bool) {
        var row = 0
        var index = 0
        while row < count {
            var byte: UInt8 = 0
            for place in 0..<min(8, count - row) where bit(row + place) {
                byte |= 1 << UInt8(place)
            }
            target.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
            row += 8
            index += 1
        }
    }
}

extension PartRows {
    func writeEights(
        _ reader: PartReader,
        _ feature: Int,
        _ base: UnsafeRawPointer,
        to target: UnsafeMutableRawPointer
    ) {
        if let sole = soleVersion, reader.versions[sole].sources[feature].way == .eight {
            let start = base + reader.versions[sole].sources[feature].start
            for row in 0..<count {
                let word = start.loadUnaligned(fromByteOffset: Int(places[row]), as: UInt64.self)
                target.storeBytes(of: word, toByteOffset: row &* 8, as: UInt64.self)
            }
            return
        }
        for row in 0..<count {
            let source = reader.versions[Int(versions[row])].sources[feature]
            let place = Int(places[row]) + source.start
            let word: UInt64 =
                switch source.way {
                case .eight: base.loadUnaligned(fromByteOffset: place, as: UInt64.self)
                case .widenedInteger:
                    UInt64(
                        bitPattern: Int64(base.loadUnaligned(fromByteOffset: place, as: Int32.self))
                    )
                case .widenedFloat:
                    Double(
                        Float(
                            bitPattern: base.loadUnaligned(fromByteOffset: place, as: UInt32.self)
                        )
                    ).bitPattern
                case .none, .bit, .four, .text, .items, .built: 0
                }
            target.storeBytes(of: word, toByteOffset: row &* 8, as: UInt64.self)
        }
    }

    func writeFours(
        _ reader: PartReader,
        _ feature: Int,
        _ base: UnsafeRawPointer,
        to target: UnsafeMutableRawPointer
    ) {
        for row in 0..<count {
            let source = reader.versions[Int(versions[row])].sources[feature]
            let word: UInt32 =
                source.way == .four
                ? base.loadUnaligned(
                    fromByteOffset: Int(places[row]) + source.start,
                    as: UInt32.self
                ) : 0
            target.storeBytes(of: word, toByteOffset: row &* 4, as: UInt32.self)
        }
    }

    func writeItems(
        _ reader: PartReader,
        _ feature: Int,
        _ base: UnsafeRawPointer,
        _ bytes: Int,
        to target: UnsafeMutableRawPointer
    ) {
        for row in 0..<count {
            let goal = target + row &* bytes
            guard let extent = variable(row, reader, feature, base), extent.size == bytes else {
                goal.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
                continue
            }
            goal.copyMemory(from: extent.start, byteCount: bytes)
        }
    }
}

extension PartRows {
    /// The bytes of all texts; throws where one ends outside its row.
    func textBytes(
        _ reader: PartReader,
        _ feature: Int,
        _ base: UnsafeRawPointer
    ) throws(AlulaError) -> Int {
        var sum = 0
        for row in 0..<count {
            guard let extent = variable(row, reader, feature, base) else {
                guard !isValid(row, reader, feature, base) else {
                    throw .corrupt("an online row has a value that ends outside it")
                }
                continue
            }
            sum += extent.size
        }
        guard sum <= Int(Int32.max) else {
            throw AlulaError(.resourceExhausted, "a column of the answer is over 2 GiB")
        }
        return sum
    }

    func writeTexts(
        _ reader: PartReader,
        _ feature: Int,
        _ base: UnsafeRawPointer,
        offsets: UnsafeMutableRawPointer,
        to target: UnsafeMutableRawPointer
    ) {
        var end = 0
        offsets.storeBytes(of: 0, as: Int32.self)
        for row in 0..<count {
            if let extent = variable(row, reader, feature, base) {
                (target + end).copyMemory(from: extent.start, byteCount: extent.size)
                end += extent.size
            }
            offsets.storeBytes(
                of: Int32(truncatingIfNeeded: end),
                toByteOffset: 4 &* (row + 1),
                as: Int32.self
            )
        }
    }

    /// Where a value of no fixed slot stands; nil where the row has none, or one that ends outside
    /// it.
    @inline(__always)
    private func variable(
        _ row: Int,
        _ reader: PartReader,
        _ feature: Int,
        _ base: UnsafeRawPointer
    ) -> (start: UnsafeRawPointer, size: Int)? {
        let size = Int(sizes[row])
        guard size > 0 else { return nil }
        let version = reader.versions[Int(versions[row])]
        let source = version.sources[feature]
        guard source.way != .none else { return nil }
        let place = base + Int(places[row])
        let variableStart = version.format.variableStart
        let start =
            source.previousEnd < 0
            ? 0
            : Int(place.loadUnaligned(fromByteOffset: source.previousEnd, as: UInt32.self))
        let end = Int(place.loadUnaligned(fromByteOffset: source.start, as: UInt32.self))
        guard start <= end, end <= size - variableStart - RowCodec.checksumBytes else { return nil }
        return (place + variableStart + start, end - start)
    }
}
