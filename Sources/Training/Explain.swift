import Codec
package import Domain
package import Offline

/// What one view had for one row of a spine: every row of the key, and which one was taken.
package struct ExplainedPart: Sendable {
    /// The role, or the view's name.
    package var label: String
    package var view: FeatureView
    package var status: JoinStatus
    package var lookback: TimeSpan?
    /// With a verdict on each row; nil where the key or the event time is null.
    package var history: HistoryRows?
}

extension TrainingSets {
    /// Says for one row of a spine, and each view of the plan, what a training set in this scope
    /// would take, and why it would not take the others.
    package func explain(
        _ row: RecordBatch,
        eventTime: String,
        plan: FeaturePlan,
        scope: JoinScope
    ) throws(AlulaError) -> [ExplainedPart] {
        guard row.rowCount == 1 else {
            throw .invalid("one row of a spine is explained at a time: there are \(row.rowCount)")
        }
        let layout = try SpineLayout(row.schema, plan: plan, eventTime: eventTime, label: "")
        let times = row.columns[layout.eventTime]
        var explained: [ExplainedPart] = []
        for part in plan.views {
            let keys = try layout.keys(of: row, as: part.keyColumns)
            var builder = SortedSpine.Builder(keyTypes: part.keyColumns.map(\.type))
            try builder.append(keys: keys, times: times)
            let joined = try offline.join(builder.finish(), with: part, scope: scope)
            var answer = ExplainedPart(
                label: part.label,
                view: part.view,
                status: joined.statuses[0],
                lookback: part.lookback
            )
            if answer.status != .nullKey {
                let moment = HistoryMoment(
                    time: Timestamp(microseconds: times.load(0, as: Int64.self)),
                    lookback: part.lookback,
                    asKnown: scope.asKnown
                )
                answer.history = try offline.history(
                    of: part.view,
                    key: try KeyCodec.decode(KeyCodec.encode(keys, row: 0), parts: keys.count),
                    through: scope.through,
                    at: moment
                )
            }
            explained.append(answer)
        }
        return explained
    }
}

extension SpineLayout {
    /// The key columns of a batch of the spine, of the types of the keys.
    fileprivate func keys(
        of batch: RecordBatch,
        as keys: [FeatureService.KeyColumn]
    ) throws(AlulaError) -> [Column] {
        var columns: [Column] = []
        for key in keys {
            guard let index = schema.index(of: key.name.text) else {
                throw .invalid("key column \"\(key.name)\" is missing")
            }
            columns.append(try SpineKey.column(batch.columns[index], as: key, firstRow: 0))
        }
        return columns
    }
}
