import Domain

// Loops over the rows of a part, a column at a time. The null row is all zero, so that rows that are
// not present need no branch.
extension PartRows.Rows {
    /// Calls `body` for each row with the source of the feature in the row's version.
    @inline(__always)
    private func eachRow(
        _ reader: PartReader,
        _ feature: Int,
        _ body: (_ row: Int, _ source: PartReader.Source) -> Void
    ) {
        if let sole = soleVersion {
            let source = reader.source(sole, feature)
            for row in 0..<count { body(row, source) }
        } else {
            for row in 0..<count {
                body(row, reader.source(Int(versions[row]), feature))
            }
        }
    }

    func hasNulls(_ reader: PartReader, _ feature: Int) -> Bool {
        guard presentCount == count else { return count > 0 }
        var all = true
        eachRow(reader, feature) { row, source in
            all = all && isValid(row, source)
        }
        return !all
    }

    /// Whether the row is present and has a value there.
    @inline(__always)
    private func isValid(
        _ row: Int,
        _ source: PartReader.Source
    ) -> Bool {
        guard source.way != .none else { return false }
        let byte = Int(places[row]) &+ RowCodec.headerBytes &+ source.slot >> 3
        return base.load(fromByteOffset: byte, as: UInt8.self) & (1 << UInt8(source.slot & 7)) != 0
    }

    func writeValidity(
        _ reader: PartReader,
        _ feature: Int,
        to target: UnsafeMutableRawPointer
    ) {
        target.initializeMemory(as: UInt8.self, repeating: 0, count: (count + 7) / 8)
        eachRow(reader, feature) { row, source in
            if isValid(row, source) { Self.setBit(row, of: target) }
        }
    }

    func writeBits(
        _ reader: PartReader,
        _ feature: Int,
        to target: UnsafeMutableRawPointer
    ) {
        target.initializeMemory(as: UInt8.self, repeating: 0, count: (count + 7) / 8)
        eachRow(reader, feature) { row, source in
            guard source.way != .none else { return }
            let place = Int(places[row]) &+ source.start
            if base.load(fromByteOffset: place, as: UInt8.self) != 0 {
                Self.setBit(row, of: target)
            }
        }
    }

    @inline(__always)
    private static func setBit(_ row: Int, of target: UnsafeMutableRawPointer) {
        let byte = target.load(fromByteOffset: row >> 3, as: UInt8.self)
        target.storeBytes(
            of: byte | 1 << UInt8(row & 7),
            toByteOffset: row >> 3,
            as: UInt8.self
        )
    }
}

extension PartRows.Rows {
    func writeEights(
        _ reader: PartReader,
        _ feature: Int,
        to target: UnsafeMutableRawPointer
    ) {
        if let sole = soleVersion, reader.source(sole, feature).way == .eight {
            let start = base + reader.source(sole, feature).start
            for row in 0..<count {
                let word = start.loadUnaligned(fromByteOffset: Int(places[row]), as: UInt64.self)
                target.storeBytes(of: word, toByteOffset: row &* 8, as: UInt64.self)
            }
            return
        }
        eachRow(reader, feature) { row, source in
            let place = Int(places[row]) &+ source.start
            target.storeBytes(
                of: Self.eight(source.way, base, place),
                toByteOffset: row &* 8,
                as: UInt64.self
            )
        }
    }

    private static func eight(
        _ way: PartReader.Way,
        _ base: UnsafeRawPointer,
        _ place: Int
    ) -> UInt64 {
        switch way {
        case .eight: return base.loadUnaligned(fromByteOffset: place, as: UInt64.self)
        case .widenedInteger:
            let narrow = base.loadUnaligned(fromByteOffset: place, as: Int32.self)
            return UInt64(bitPattern: Int64(narrow))
        case .widenedFloat:
            let bits = base.loadUnaligned(fromByteOffset: place, as: UInt32.self)
            return Double(Float(bitPattern: bits)).bitPattern
        case .none, .bit, .four, .text, .items, .built: return 0
        }
    }

    func writeFours(
        _ reader: PartReader,
        _ feature: Int,
        to target: UnsafeMutableRawPointer
    ) {
        eachRow(reader, feature) { row, source in
            let place = Int(places[row]) &+ source.start
            let word: UInt32 =
                source.way == .four ? base.loadUnaligned(fromByteOffset: place, as: UInt32.self) : 0
            target.storeBytes(of: word, toByteOffset: row &* 4, as: UInt32.self)
        }
    }

    /// Throws where a row has a list of another length.
    func checkItems(
        _ reader: PartReader,
        _ feature: Int,
        _ bytes: Int
    ) throws(AlulaError) {
        var isBroken = false
        eachRow(reader, feature) { row, source in
            let size = variable(row, source).size
            isBroken = isBroken || (size != 0 && size != bytes)
        }
        guard !isBroken else {
            throw .corrupt("an online row has a list of another length than its type")
        }
    }

    func writeItems(
        _ reader: PartReader,
        _ feature: Int,
        _ bytes: Int,
        to target: UnsafeMutableRawPointer
    ) {
        eachRow(reader, feature) { row, source in
            let goal = target + row &* bytes
            let extent = variable(row, source)
            if extent.size == bytes {
                goal.copyMemory(from: extent.start, byteCount: bytes)
            } else {
                goal.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
            }
        }
    }
}

extension PartRows.Rows {
    /// The bytes of all texts; throws where one ends outside its row.
    func textBytes(
        _ reader: PartReader,
        _ feature: Int
    ) throws(AlulaError) -> Int {
        var sum = 0
        var isBroken = false
        eachRow(reader, feature) { row, source in
            let size = variable(row, source).size
            isBroken = isBroken || size < 0
            sum &+= size
        }
        guard !isBroken else {
            throw .corrupt("an online row has a value that ends outside it")
        }
        guard sum <= Int(Int32.max) else {
            throw AlulaError(.resourceExhausted, "a column of the answer is over 2 GiB")
        }
        return sum
    }

    func writeTexts(
        _ reader: PartReader,
        _ feature: Int,
        offsets: UnsafeMutableRawPointer,
        to target: UnsafeMutableRawPointer
    ) {
        var end = 0
        offsets.storeBytes(of: 0, as: Int32.self)
        eachRow(reader, feature) { row, source in
            let extent = variable(row, source)
            (target + end).copyMemory(from: extent.start, byteCount: extent.size)
            end &+= extent.size
            offsets.storeBytes(
                of: Int32(truncatingIfNeeded: end),
                toByteOffset: 4 &* (row &+ 1),
                as: Int32.self
            )
        }
    }

    /// Where a value of no fixed slot stands: empty where the row has none, of size -1 where it ends
    /// outside the row.
    @inline(__always)
    private func variable(
        _ row: Int,
        _ source: PartReader.Source
    ) -> (start: UnsafeRawPointer, size: Int) {
        let size = Int(sizes[row])
        guard size > 0, source.way != .none else { return (base, 0) }
        let place = base + Int(places[row])
        let start =
            source.previousEnd < 0
            ? 0
            : Int(place.loadUnaligned(fromByteOffset: source.previousEnd, as: UInt32.self))
        let end = Int(place.loadUnaligned(fromByteOffset: source.start, as: UInt32.self))
        guard start <= end, end <= size &- source.variableStart &- RowCodec.checksumBytes else {
            return (base, -1)
        }
        return (place + source.variableStart + start, end &- start)
    }
}
