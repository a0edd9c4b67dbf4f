import Codec
import Domain
import Offline
import Statistics

/// The profiles of an answer's columns, which arrive in pieces.
///
/// Keys and the event time have none: a profile is to outlive no key. Used by one thread at a time;
/// within `add` each column is one thread's. That is what makes it Sendable.
final class TableProfiler: @unchecked Sendable {
    /// Takes the pieces of one column; nil for one that has no profile.
    private final class Slot {
        var builder: ProfileBuilder?
        var profile: FeatureProfile?

        init(_ builder: ProfileBuilder?) { self.builder = builder }
    }

    private let layout: SpineLayout
    private let slots: [Slot]
    private var rows: UInt64 = 0

    /// Rows that are taken at once, which stay near the processor.
    private static let pieceRows = 4_096

    init(_ layout: SpineLayout) {
        self.layout = layout
        var left = Set(layout.plan.keyColumns.map(\.name.text))
        left.insert(layout.schema.fields[layout.eventTime].name)
        slots = layout.answerSchema.fields.map { field in
            Slot(
                left.contains(field.name) ? nil : ProfileBuilder(name: field.name, type: field.type)
            )
        }
    }

    /// The columns of the answer, with `count` rows more; `texts` has those of no fixed width.
    func add(_ columns: [GatheredColumn], _ texts: [GatheredTexts?], rows count: Int) {
        rows += UInt64(count)
        let all = Slots(slots: slots)
        // The body throws nothing.
        try? inParallel(columns.count) { index in
            guard all.slots[index].builder != nil else { return }
            for start in stride(from: 0, to: count, by: TableProfiler.pieceRows) {
                let range = start..<min(start + TableProfiler.pieceRows, count)
                let column = columns[index]
                if column.type.isNumber {
                    unsafe column.withRows(range) { values, present in
                        unsafe all.slots[index].builder?.add(values, present: present)
                    }
                } else {
                    all.slots[index].builder?.add(
                        texts[index]?.column(range) ?? column.column(range)
                    )
                }
            }
        }
    }

    /// Lets each builder be used by the one thread that has its column.
    private struct Slots: @unchecked Sendable {
        let slots: [Slot]
    }

    /// `reports` say of each view, in the order of the plan, how many rows it had nothing for.
    func finish(_ reports: [ViewReport]) -> TableProfile {
        let all = Slots(slots: slots)
        // The body throws nothing.
        try? inParallel(slots.count) { index in
            all.slots[index].profile = all.slots[index].builder?.finish()
        }
        var features = slots.compactMap(\.profile)
        var place = features.count - layout.plan.views.reduce(0) { $0 + $1.features.count }
        for (part, report) in zip(layout.plan.views, reports) {
            for _ in part.features {
                features[place].expired = report.expired
                features[place].notFound = report.notFound + report.nullKeys
                features[place].late = report.late
                place += 1
            }
        }
        return TableProfile(rows: rows, features: features)
    }
}

extension ValueType {
    /// Whether a value is one number, or a time.
    fileprivate var isNumber: Bool {
        switch self {
        case .scalar(.int32), .scalar(.int64), .scalar(.float32), .scalar(.float64),
            .scalar(.timestamp):
            true
        case .scalar, .list, .fixedList: false
        }
    }
}
