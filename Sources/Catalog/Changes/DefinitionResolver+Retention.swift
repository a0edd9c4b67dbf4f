import Domain

extension DefinitionResolver {
    /// A view never takes rows that it still looks for, nor rows that a live version reads.
    ///
    /// `rows_per_key` always keeps the newest row of a key, which is what a live version reads.
    mutating func checkRetention(
        of view: FeatureView,
        over existing: FeatureView?,
        _ parsed: ParsedDefinitions.View
    ) {
        guard let age = view.retention?.age else { return }
        let spans = [("look-back", view.lookback), ("max age", view.maxAge)]
        let tooLong = spans.compactMap { what, span in
            span.flatMap { age < $0 ? "\(what) of \($0)" : nil }
        }
        if !tooLong.isEmpty {
            mistakes.note(
                parsed.retentionPlace,
                "view \"\(view.name)\": a retention age of \(age) is shorter than its "
                    + tooLong.joined(separator: " and its ")
                    + ": rows would be gone that are still looked for"
            )
        }
        guard let existing else { return }
        for reason in liveReads(of: view, over: existing, olderThan: age) {
            if tooLong.isEmpty {
                refuse(parsed.retentionPlace, reason)
            } else {
                mistakes.note(parsed.retentionPlace, reason)
            }
        }
    }

    /// What live versions would lose by an age that is shorter than the one before.
    private func liveReads(
        of view: FeatureView,
        over existing: FeatureView,
        olderThan age: TimeSpan
    ) -> [String] {
        if let before = existing.retention?.age, before <= age { return [] }
        return dependents.compactMap { dependent in
            guard let service = try? project.service(dependent.service)  // gone: it reads nothing
            else { return nil }
            let read = service.projections.filter { $0.view == view.id }
            let spans = [("look-back", read.map(\.lookback)), ("max age", read.map(\.maxAge))]
            let tooLong = spans.compactMap { what, spans -> String? in
                if spans.contains(nil) { return "an unbounded \(what)" }
                return spans.compactMap(\.self).max().flatMap {
                    age < $0 ? "a \(what) of \($0)" : nil
                }
            }
            guard !tooLong.isEmpty else { return nil }
            return "view \"\(view.name)\": a retention age of \(age) would take rows that "
                + "\(dependent.title) reads through \(service.reference), which has "
                + tooLong.joined(separator: " and ")
        }
    }
}
