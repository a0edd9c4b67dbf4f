import Codec
import Domain

extension FuzzTarget {
    /// Every type, alone and in lists.
    private static let layout = RowLayout(
        version: 3,
        slots: (0..<UInt8(3 * ScalarType.allCases.count)).map { number in
            RowLayout.Slot(feature: FeatureID(UInt32(number)), type: type(number))
        }
    )

    /// A row as a damaged disk might give it; and as it would read if its checksum happened to fit.
    static func rows(_ bytes: [UInt8]) {
        let format = RowFormat(layout)
        read(bytes, format) { (row) throws(AlulaError) in try RowCodec.header(row) }
        read(bytes, format) { (row) throws(AlulaError) in try RowCodec.trustedHeader(row) }
    }

    private static func read(
        _ bytes: [UInt8],
        _ format: RowFormat,
        _ header: (RawSpan) throws(AlulaError) -> RowHeader
    ) {
        guard unsafe (try? header(bytes.span.bytes)) != nil else { return }
        for slot in layout.slots.indices {
            var builder = ColumnBuilder(layout.slots[slot].type)
            let added: Void? = unsafe try? format.append(
                slot: slot,
                of: bytes.span.bytes,
                to: &builder
            )
            guard added != nil else {
                continue
            }
            precondition(builder.finish().count == 1)
        }
    }
}
