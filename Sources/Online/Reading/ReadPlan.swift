import Codec
package import Domain

/// A feature plan worked out for reads by one thread: keys to build, views to look in, columns to fill.
package final class ReadPlan {
    /// Parts whose rows stand under the same entity key.
    struct Group {
        /// What stands in front of the canonical key.
        var prefix: [UInt8]
        /// Numbers among the plan's key columns.
        var keyColumns: [Int]
    }

    struct Part {
        var view: FeatureViewID
        var viewName: FeatureViewName
        var group: Int
        var maxAge: TimeSpan?
        var reader: PartReader
    }

    package let plan: FeaturePlan
    let groups: [Group]
    let parts: [Part]
    let encoder: AnswerEncoder
    /// Reads as a row without values, of every view.
    let nullRow: [UInt8]
    package var partCount: Int { parts.count }
    /// About what a row of the answer takes at least.
    package let leastRowBytes: Int

    package init(_ plan: FeaturePlan) {
        self.plan = plan
        var groups: [(entity: EntityID, group: Group)] = []
        var parts: [Part] = []
        let columns = plan.keyColumns
        for part in plan.views {
            let entity = part.view.entity.id
            let numbers = part.keyColumns.compactMap { key in
                columns.firstIndex { $0.name == key.name }
            }
            var group = groups.firstIndex { $0.entity == entity && $0.group.keyColumns == numbers }
            if group == nil {
                group = groups.count
                let prefix = OnlineKey.prefix(entity, [])
                groups.append((entity, Group(prefix: prefix, keyColumns: numbers)))
            }
            parts.append(
                Part(
                    view: part.view.id,
                    viewName: part.view.name,
                    group: group ?? 0,
                    maxAge: part.maxAge,
                    reader: PartReader(part)
                )
            )
        }
        self.groups = groups.map(\.group)
        self.parts = parts
        encoder = AnswerEncoder(
            parts.map(\.reader),
            carriedColumns: plan.requestFields.count
        )
        nullRow = Array(repeating: 0, count: parts.map(\.reader.nullRowBytes).max() ?? 8)
        leastRowBytes = parts.reduce(8 * plan.requestFields.count) {
            $0 + $1.reader.leastRowBytes + 9
        }
    }
}
