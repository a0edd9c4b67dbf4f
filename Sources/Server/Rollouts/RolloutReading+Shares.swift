import Domain
import Registry
import Served
import Wire

/// What one version was served from a time on, and how it did.
struct LookedAtVersion {
    var kind: String
    var slice: WirePerformanceSlice
    /// Rows that the server refused for it.
    var refused: Double

    /// Predictions with an outcome.
    var known: UInt64 { slice.rows - slice.missing }

    func value(_ metric: String) -> Double? {
        slice.figures.first { $0.name == metric }?.value
    }

    /// Vectors that were served, and reads that should have been.
    var asked: Double { Double(served) + refused }
    var served: UInt64 { slice.rows + slice.failed + slice.unpredicted }

    /// Nil where nothing was asked.
    func part(_ share: ServedShare) -> Double? {
        switch share {
        case .errors: asked > 0 ? (Double(slice.failed) + refused) / asked : nil
        case .unpredicted: served > 0 ? Double(slice.unpredicted) / Double(served) : nil
        }
    }

    /// What it is a part of.
    func samples(_ share: ServedShare) -> UInt64 {
        switch share {
        case .errors: UInt64(asked.rounded())
        case .unpredicted: served
        }
    }

    /// Such as `3 of 400 vectors failed, 12 reads were refused`.
    func text(_ share: ServedShare) -> String {
        switch share {
        case .errors:
            "\(slice.failed) of \(served) vectors could not be predicted"
                + (refused > 0 ? ", \(UInt64(refused.rounded(.up))) were refused" : "")
        case .unpredicted: "\(slice.unpredicted) of \(served) vectors have no prediction"
        }
    }
}

/// What a look has read already: rules that ask for the same see the same.
final class LookedAt {
    struct Key: Hashable {
        var version: UInt32
        var since: Timestamp
        var until: Timestamp
        var compares: Bool
    }

    var versions: [Key: LookedAtVersion] = [:]
}

extension RolloutReading {
    /// Of what the version was asked from a time on, but for the last of it.
    func look(
        at version: UInt32,
        since: Timestamp,
        delay: TimeSpan = .seconds(0),
        compares: Bool = true
    ) throws -> LookedAtVersion {
        let until = max(since, time - delay)
        let key = LookedAt.Key(
            version: version,
            since: since,
            until: until,
            compares: compares
        )
        if let found = known.versions[key] { return found }
        let name = ServedModel.Name(record.project, record.model)
        var query = ServedQuery(name)
        query.versions = [version]
        query.since = since
        query.until = until
        query.asKnown = time
        query.columns = []
        query.withStatuses = false
        var slices = PerformanceSlices(
            windowMicroseconds: 0,
            by: "",
            versions: .together,
            compares: compares
        )
        try ServedScan(sources.watched.served).scan(query, isCancelled: isCancelled) { batch in
            try slices.add(batch)
        }
        if isCancelled() { throw AlulaError(.cancelled, "the look was ended") }
        let refused = try sources.watched.served.refused(of: name, from: since, until: until)
        let answer = slices.answer
        let found = LookedAtVersion(
            kind: answer.kind,
            slice: answer.slices.first ?? WirePerformanceSlice(),
            refused: refused[version] ?? 0
        )
        known.versions[key] = found
        return found
    }

    /// Whether too many were refused, failed, or were never predicted.
    func share(
        _ share: ServedShare,
        _ bound: RolloutPlan.Bound,
        _ samples: UInt64,
        _ delay: TimeSpan,
        _ rule: String
    ) throws -> RolloutFigure {
        let found = try look(at: record.version, since: record.since, delay: delay, compares: false)
        func unknown(_ reason: String) -> RolloutFigure {
            RolloutFigure(
                rule: rule,
                outcome: .cannotTell,
                value: found.part(share),
                rows: found.samples(share),
                reason: reason
            )
        }
        guard found.samples(share) >= samples, let value = found.part(share) else {
            return unknown(
                "version \(record.version) was asked for \(found.samples(share)) vectors in this "
                    + "step: fewer than \(samples)"
            )
        }
        let threshold: Double
        var compared = ""
        switch bound {
        case .atMost(let number), .atLeast(let number): threshold = number
        case .notWorseThanHolderBy(let margin):
            guard let holder = record.before.main else { return unknown("there was no holder") }
            let other = try look(at: holder, since: record.started, delay: delay, compares: false)
            guard other.samples(share) >= samples, let standard = other.part(share) else {
                return unknown(
                    "version \(holder), the holder, was asked for \(other.samples(share)) vectors "
                        + "since the rollout began: fewer than \(samples)"
                )
            }
            threshold = standard + margin
            compared = "; of version \(holder) \(MonitorReading.text(standard))"
        }
        return RolloutFigure(
            rule: rule,
            outcome: value <= threshold ? .passed : .failed,
            value: value,
            threshold: threshold,
            rows: found.samples(share),
            reason: "\(share.rawValue) \(MonitorReading.text(value)): \(found.text(share))"
                + compared
        )
    }
}
