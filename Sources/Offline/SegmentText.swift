import Domain

/// The log entries of a segment as bytes: u64 entry and i64 recorded time of each, little-endian.
enum PieceList {
    static func encode(_ pieces: [SegmentPiece]) -> [UInt8] {
        pieces.flatMap { piece in
            bytes(piece.entry) + bytes(UInt64(bitPattern: piece.recorded.microseconds))
        }
    }

    static func decode(_ bytes: some Collection<UInt8>) throws(AlulaError) -> [SegmentPiece] {
        guard bytes.count % 16 == 0, !bytes.isEmpty else {
            throw .corrupt("a segment's list of log entries is cut short")
        }
        var rest = Array(bytes)[...]
        return (0..<bytes.count / 16).map { _ in
            let entry = number(rest.prefix(8))
            let recorded = number(rest.dropFirst(8).prefix(8))
            rest = rest.dropFirst(16)
            return SegmentPiece(
                entry: entry,
                recorded: Timestamp(microseconds: Int64(bitPattern: recorded))
            )
        }
    }

    private static func bytes(_ number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// Which feature each of a group's last blocks holds: `12:int64,13:string[]`.
struct FeatureSlots: Sendable {
    struct Slot: Sendable {
        var index: Int
        var type: ValueType
    }

    let slots: [FeatureID: Slot]

    static func encode(_ layout: RowLayout) -> String {
        layout.slots.map { "\($0.feature):\($0.type)" }.joined(separator: ",")
    }

    init(_ text: String) throws(AlulaError) {
        var slots: [FeatureID: Slot] = [:]
        for (index, part) in text.split(separator: ",").enumerated() {
            let pair = part.split(separator: ":", maxSplits: 1)
            guard pair.count == 2, let number = UInt32(pair[0]),
                let type = ValueType(text: String(pair[1]))
            else { throw .corrupt("a segment's list of features cannot be read") }
            slots[FeatureID(number)] = Slot(index: index, type: type)
        }
        self.slots = slots
    }
}
