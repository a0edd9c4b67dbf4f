import Domain

/// Keys of the family `rows`: entity id, canonical key bytes, view id; the ids big-endian.
///
/// So all views of one entity's key are neighbours.
enum OnlineKey {
    static let entityBytes = 4

    static func append(_ view: FeatureViewID, to bytes: inout [UInt8]) {
        append(view.number, to: &bytes)
    }

    /// The key of a view's row for an entity key in canonical bytes.
    static func make(_ entity: EntityID, _ key: [UInt8], _ view: FeatureViewID) -> [UInt8] {
        var bytes = prefix(entity, key)
        append(view, to: &bytes)
        return bytes
    }

    /// What the keys of all views of one entity key begin with; no other key does.
    static func prefix(_ entity: EntityID, _ key: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        append(entity.number, to: &bytes)
        return bytes + key
    }

    /// Entity, canonical key bytes and view; nil where the bytes are too few.
    static func parts(
        _ bytes: [UInt8]
    ) -> (entity: EntityID, key: ArraySlice<UInt8>, view: FeatureViewID)? {
        guard bytes.count >= entityBytes + viewBytes else { return nil }
        return (
            EntityID(number(bytes.prefix(entityBytes))),
            bytes[entityBytes..<(bytes.count - viewBytes)],
            FeatureViewID(number(bytes.suffix(viewBytes)))
        )
    }

    /// What all views of the entity key share, and the view; nil where the bytes are too few.
    static func split(
        _ bytes: ArraySlice<UInt8>
    ) -> (prefix: ArraySlice<UInt8>, view: FeatureViewID)? {
        guard bytes.count >= entityBytes + viewBytes else { return nil }
        return (bytes.dropLast(viewBytes), FeatureViewID(number(bytes.suffix(viewBytes))))
    }

    static let viewBytes = 4

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reduce(0) { $0 << 8 | UInt32($1) }
    }

    private static func append(_ number: UInt32, to bytes: inout [UInt8]) {
        for shift in stride(from: 24, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> UInt32(shift)))
        }
    }
}
