import Domain

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
