package import Domain

/// How the stored rows of a view fill the columns that a plan takes from it, whatever schema version
/// they were written with; worked out once for a plan.
package final class PartReader: Sendable {
    /// How a value travels from a row to its column.
    enum Way: Sendable {
        /// The version did not have the feature yet.
        case none
        case bit
        case four
        case eight
        case widenedInteger
        case widenedFloat
        case text
        /// Lists of a fixed number of items of fixed width, as they are.
        case items
        /// All other lists, by way of a `ColumnBuilder`.
        case built
    }

    struct Source: Sendable {
        var way: Way
        /// Where the slot stands in the row.
        var start = 0
        /// Where the end of the variable value before it stands; -1 for the first of them.
        var previousEnd = -1
        /// The number of the slot, which is that of its validity bit.
        var slot = 0
        /// Where values without a fixed slot begin.
        var variableStart = 0
    }

    struct Version: Sendable {
        var number: UInt32
        var format: RowFormat
    }

    /// What a column holds, whatever the version.
    enum Shape: Sendable {
        case bits
        case fixed(Int)
        case text
        /// So many bytes a row.
        case items(Int)
        case built
    }

    package let types: [ValueType]
    let shapes: [Shape]
    let versions: [Version]
    /// For each version, one of each feature.
    let sources: [Source]
    /// Whether a column of some version goes by way of a builder.
    let hasBuilt: Bool
    /// So many zero bytes read as a row without any value, for every version.
    package let nullRowBytes: Int

    package init(_ part: FeaturePlan.ViewPart) {
        types = part.features.map(\.type)
        shapes = types.map(Self.shape)
        var versions: [Version] = []
        var sources: [Source] = []
        for layout in part.view.layouts {
            let format = RowFormat(layout)
            versions.append(Version(number: layout.version, format: format))
            for feature in part.features {
                let slot = layout.slots.firstIndex { $0.feature == feature.feature }
                guard let slot else {
                    sources.append(Source(way: .none))
                    continue
                }
                sources.append(
                    Source(
                        way: Self.way(layout.slots[slot].type, feature.type),
                        start: format.slotStarts[slot],
                        previousEnd: format.previousEnds[slot] ?? -1,
                        slot: slot,
                        variableStart: format.variableStart
                    )
                )
            }
        }
        self.versions = versions
        self.sources = sources
        hasBuilt = sources.contains { $0.way == .built }
        nullRowBytes = (versions.map(\.format.variableStart).max() ?? 0) + 2 * RowCodec.headerBytes
    }

    /// Where a version, by its number among them all, has a feature.
    @inline(__always)
    func source(_ version: Int, _ feature: Int) -> Source {
        sources[version &* types.count &+ feature]
    }

    func isBuilt(_ feature: Int) -> Bool {
        versions.indices.contains { source($0, feature).way == .built }
    }

    /// Bytes that a row of the plan's columns takes at least, without what strings and lists of any
    /// length add.
    package var leastRowBytes: Int {
        shapes.reduce(0) { sum, shape in
            switch shape {
            case .bits: sum + 1
            case .fixed(let width): sum + width
            case .text, .built: sum + 8
            case .items(let bytes): sum + bytes
            }
        }
    }

    private static func shape(_ type: ValueType) -> Shape {
        switch type {
        case .scalar(.bool): .bits
        case .scalar(.string), .scalar(.bytes): .text
        case .scalar(let item): .fixed(item.fixedWidth ?? 0)
        case .fixedList(let item, let length):
            item.fixedWidth.map { .items($0 * length) } ?? .built
        case .list: .built
        }
    }

    private static func way(_ stored: ValueType, _ wanted: ValueType) -> Way {
        switch (stored, wanted) {
        case (.scalar(.bool), .scalar(.bool)): .bit
        case (.scalar(.int32), .scalar(.int64)): .widenedInteger
        case (.scalar(.float32), .scalar(.float64)): .widenedFloat
        case (.scalar(.string), _), (.scalar(.bytes), _): stored == wanted ? .text : .built
        case (.scalar(let item), _) where stored == wanted: item.fixedWidth == 4 ? .four : .eight
        case (.fixedList(let item, _), _) where stored == wanted && item.fixedWidth != nil: .items
        // What does not fit is refused by the builder.
        default: .built
        }
    }
}
