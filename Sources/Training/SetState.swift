package import Domain

/// What became of a recorded training set when it was made again.
package enum SetState: Sendable, Hashable {
    /// It is what was recorded.
    case complete
    /// Deletion or retention has taken from it; all the rest is as it was.
    case incomplete(SetLosses)
    /// It is not what was recorded, and nothing that was taken explains it.
    case damaged
}

/// What a training set has lost since it was made.
package struct SetLosses: Sendable, Hashable {
    package struct View: Sendable, Hashable {
        /// The role, or the view's name.
        package var label: String
        /// Rows of the spine that had a row of the view, and have none any more.
        package var values: UInt64
        /// The log entries of the deletions and retentions since that took rows of the view.
        package var logEntries: [UInt64]
    }

    /// Those that lost something, in the order of the plan.
    package var views: [View]
    /// Rows of the spine that were blanked.
    package var blankedRows: UInt64
}

/// A deletion or a retention: what was taken out of history, and when.
package struct SetRemoval: Sendable, Hashable {
    package enum Target: Sendable, Hashable {
        /// Of a key of the entity, every row of all its views.
        case entity(EntityID)
        /// Of some keys of the view, the oldest rows.
        case view(FeatureViewID)
    }

    package var logEntry: UInt64
    package var target: Target

    package init(logEntry: UInt64, target: Target) {
        self.logEntry = logEntry
        self.target = target
    }

    fileprivate func concerns(_ view: FeatureView) -> Bool {
        switch target {
        case .entity(let id): view.entity.id == id
        case .view(let id): view.id == id
        }
    }
}

extension SetState {
    /// Decides what a set is that was made again with this digest and these reports; `removals` are
    /// those since the set was made.
    ///
    /// A removal takes whole keys, or the oldest rows of a key: so a spine row keeps the row it had
    /// or has none, and the counts tell exactly how many lost theirs. Where they moved in another
    /// way, or where nothing was lost and the digest still differs, the set is damaged. Damage
    /// within a set that has lost something, and that changes no count, cannot be told from it.
    package static func of(
        _ record: TrainingSetRecord,
        remadeWith digest: ContentDigest,
        _ reports: [ViewReport],
        plan: FeaturePlan,
        removals: [SetRemoval]
    ) -> SetState {
        guard digest != record.digest else { return .complete }
        guard record.reports.map(\.label) == reports.map(\.label),
            plan.views.map(\.label) == reports.map(\.label)
        else { return .damaged }
        var losses = SetLosses(views: [], blankedRows: record.blankedRows)
        for (index, part) in plan.views.enumerated() {
            let (before, after) = (record.reports[index], reports[index])
            let entries = removals.filter { $0.concerns(part.view) }.map(\.logEntry)
            let change = ReportChange(before: before, after: after)
            guard
                change.isExplained(
                    byRemoval: !entries.isEmpty,
                    blankedRows: record.blankedRows
                )
            else { return .damaged }
            guard before.matched > after.matched else { continue }
            losses.views.append(
                SetLosses.View(
                    label: part.label,
                    values: before.matched - after.matched,
                    logEntries: entries
                )
            )
        }
        guard !losses.views.isEmpty || losses.blankedRows > 0 else { return .damaged }
        return .incomplete(losses)
    }
}

/// How the counts of a view have moved.
private struct ReportChange {
    let before: ViewReport
    let after: ViewReport

    /// Blanked rows have null keys now; what was found, late or unknown only becomes less; rows move
    /// to "not found" only where rows of the view were taken.
    func isExplained(byRemoval isRemoved: Bool, blankedRows: UInt64) -> Bool {
        guard before.view == after.view, total(before) == total(after),
            before.nullKeys <= after.nullKeys, after.nullKeys - before.nullKeys <= blankedRows,
            after.matched <= before.matched, after.expired <= before.expired,
            after.late <= before.late, after.unknown <= before.unknown,
            isWithin(after.oldestEvent, before), isWithin(after.newestEvent, before)
        else { return false }
        guard isRemoved else {
            return blankedRows > 0 ? after.notFound <= before.notFound : before == after
        }
        return after.notFound + (after.nullKeys - before.nullKeys) >= before.notFound
    }

    private func total(_ report: ViewReport) -> UInt64 {
        report.matched + report.expired + report.notFound + report.nullKeys
    }

    private func isWithin(_ event: Timestamp?, _ report: ViewReport) -> Bool {
        guard let event else { return true }
        guard let oldest = report.oldestEvent, let newest = report.newestEvent else { return false }
        return oldest <= event && event <= newest
    }
}
