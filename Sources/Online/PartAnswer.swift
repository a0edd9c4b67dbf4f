import Codec
import Domain
import RocksDB

/// The answer of one view part as it grows row by row.
struct PartAnswer {
    /// How rows of one schema version fill the part: the slot of each feature, or none for a
    /// feature that the version did not have yet.
    private struct Reader {
        var format: RowFormat
        var slots: [Int?]
    }

    private(set) var eventTimes: [Int64] = []
    private(set) var statuses: [UInt8] = []
    private let part: FeaturePlan.ViewPart
    private var builders: [ColumnBuilder]
    private var readers: [(version: UInt32, reader: Reader)] = []

    init(_ part: FeaturePlan.ViewPart, rows: Int) {
        self.part = part
        builders = part.features.map { ColumnBuilder($0.type, reservingRows: rows) }
        eventTimes.reserveCapacity(rows)
        statuses.reserveCapacity(rows)
    }

    /// Adds the row that stands at `place`, or that there is none.
    mutating func append(
        _ values: borrowing PinnedValues,
        _ place: Int,
        now: Timestamp
    ) throws(AlulaError) {
        let found: Void? = try values.withValue(place) { row throws(AlulaError) in
            let header = try RowCodec.header(row)
            eventTimes.append(header.order.event.microseconds)
            if let maxAge = part.maxAge, header.order.event + maxAge < now {
                return appendNulls(.expired)
            }
            let reader = try reader(header.schemaVersion)
            for (index, slot) in reader.slots.enumerated() {
                if let slot {
                    try reader.format.append(slot: slot, of: row, to: &builders[index])
                } else {
                    builders[index].appendNull()
                }
            }
            statuses.append(FeatureStatus.present.rawValue)
        }
        guard found == nil else { return }
        eventTimes.append(0)
        appendNulls(.notFound)
    }

    /// Bytes of the values so far.
    var byteCount: Int { builders.reduce(0) { $0 + $1.byteCount } }

    func finish() -> [Column] { builders.map { $0.finish() } }

    private mutating func appendNulls(_ status: FeatureStatus) {
        for index in builders.indices { builders[index].appendNull() }
        statuses.append(status.rawValue)
    }

    private mutating func reader(_ version: UInt32) throws(AlulaError) -> Reader {
        if let known = readers.first(where: { $0.version == version }) { return known.reader }
        guard let layout = part.view.layout(version) else {
            throw .unknownSchemaVersion(version, of: part.view.name)
        }
        let slots = part.features.map { feature in
            layout.slots.firstIndex { $0.feature == feature.feature }
        }
        let reader = Reader(format: RowFormat(layout), slots: slots)
        readers.append((version, reader))
        return reader
    }
}
