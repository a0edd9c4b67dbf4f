import Domain
import Registry
import Served
import Wire

// What was predicted, what came true, and what could not be predicted.
extension MonitorReading {
    func performance(_ query: ServedQuery, _ start: Timestamp) throws -> MonitorFinding {
        let found = try slice(query)
        if monitor.figure == .missingOutcomes { return missing(found.slice) }
        let known = found.slice.rows - found.slice.missing
        if let finding = tooFew(known, "predictions with an outcome") { return finding }
        guard let figure = found.value(monitor.metric) else {
            return MonitorFinding(
                .cannotTell,
                rows: known,
                reason: "predictions and outcomes of kind \(found.kind) have no \(monitor.metric)"
            )
        }
        let threshold = monitor.threshold ?? 0
        guard let reference = monitor.reference else {
            let isWorse = monitor.isHigherBetter ? figure < threshold : figure > threshold
            return MonitorFinding(
                isWorse ? .breached : .fine,
                value: figure,
                threshold: threshold,
                rows: known,
                reason: "\(monitor.metric) \(Self.text(figure)) of \(known) outcomes"
            )
        }
        let before: Double
        switch reference {
        case .window(let span):
            let other = try slice(earlier(span, query, start))
            let otherKnown = other.slice.rows - other.slice.missing
            if let finding = tooFew(otherKnown, "predictions with an outcome before") {
                return finding
            }
            guard let value = other.value(monitor.metric) else {
                throw AlulaError.invalid("what was before has no \(monitor.metric)")
            }
            before = value
        case .training, .trainingSet: before = try trained(found.versions, query.model.model)
        }
        let worse = monitor.isHigherBetter ? before - figure : figure - before
        return MonitorFinding(
            worse > threshold ? .breached : .fine,
            value: figure,
            threshold: monitor.isHigherBetter ? before - threshold : before + threshold,
            rows: known,
            reason: "\(monitor.metric) \(Self.text(figure)) of \(known) outcomes; it was "
                + Self.text(before)
        )
    }

    func share(_ share: ServedShare, _ query: ServedQuery) throws -> MonitorFinding {
        let slice = try slice(query, compares: false).slice
        let refused = try sources.served.refused(
            of: query.model,
            from: query.since,
            until: query.until
        )
        .filter { versions?.contains($0.key) ?? true }.values.reduce(0, +)
        let found = LookedAtVersion(kind: "", slice: slice, refused: refused)
        if let finding = tooFew(found.samples(share), "vectors asked for") { return finding }
        let threshold = monitor.threshold ?? 1
        let value = found.part(share) ?? 0
        return MonitorFinding(
            value >= threshold ? .breached : .fine,
            value: value,
            threshold: threshold,
            rows: found.samples(share),
            reason: found.text(share)
        )
    }

    private func missing(_ slice: WirePerformanceSlice) -> MonitorFinding {
        if let finding = tooFew(slice.rows, "predictions") { return finding }
        let threshold = monitor.threshold ?? 1
        let share = Double(slice.missing) / Double(slice.rows)
        return MonitorFinding(
            share >= threshold ? .breached : .fine,
            value: share,
            threshold: threshold,
            rows: slice.rows,
            reason: "\(slice.missing) of \(slice.rows) predictions have no outcome"
        )
    }

    /// Predictions and outcomes of all versions together.
    private struct Slice {
        var kind = ""
        var slice = WirePerformanceSlice()
        var versions: Set<UInt32> = []

        func value(_ metric: String) -> Double? {
            slice.figures.first { $0.name == metric }?.value
        }
    }

    private func slice(_ query: ServedQuery, compares: Bool = true) throws -> Slice {
        var query = query
        query.withStatuses = false
        var slices = PerformanceSlices(
            windowMicroseconds: 0,
            by: "",
            versions: .together,
            compares: compares
        )
        var found = Slice()
        try ServedScan(sources.served).scan(query, isCancelled: isCancelled) { batch in
            try slices.add(batch)
            guard let versions = batch[ServedColumn.modelVersion], batch.rowCount > 0 else {
                return
            }
            // Rows of a batch are of one version.
            found.versions.insert(UInt32(truncatingIfNeeded: versions.load(0, as: Int32.self)))
        }
        let answer = slices.answer
        found.kind = answer.kind
        found.slice = answer.slices.first ?? found.slice
        return found
    }

    /// The metric that the newest of these versions was registered with.
    private func trained(_ versions: Set<UInt32>, _ model: RegisteredModelName) throws -> Double {
        guard let newest = versions.max() else {
            throw AlulaError.notFound("no version was served")
        }
        let version = try sources.registry.version(.version(newest), of: model, project: project)
        guard let metric = version.metrics.last(where: { $0.name.text == monitor.metric }) else {
            throw AlulaError.notFound(
                "version \(newest) of \(model) was registered without \(monitor.metric)"
            )
        }
        return metric.value
    }
}
