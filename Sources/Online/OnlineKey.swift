import Codec
import Domain

/// Keys of the family `rows`: entity id, canonical key bytes, view id; the ids big-endian.
///
/// So all views of one entity's key are neighbours.
enum OnlineKey {
    static let entityBytes = 4

    /// Appends the part that all views of the entity share.
    static func appendPrefix(
        _ entity: EntityID,
        _ keys: [Column],
        row: Int,
        to bytes: inout [UInt8]
    ) {
        append(entity.number, to: &bytes)
        KeyCodec.append(keys, row: row, to: &bytes)
    }

    static func append(_ view: FeatureViewID, to bytes: inout [UInt8]) {
        append(view.number, to: &bytes)
    }

    private static func append(_ number: UInt32, to bytes: inout [UInt8]) {
        for shift in stride(from: 24, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> UInt32(shift)))
        }
    }
}
