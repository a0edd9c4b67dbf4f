import Catalog
import Domain
import Registry
import Served
import Statistics

/// Works out what a monitor's figure is at a time, and how it compares; changes nothing.
struct MonitorReading {
    let sources: MonitorDesk.Sources
    let monitor: Monitor
    let project: ProjectName
    /// Where the window ends, but for the monitor's delay.
    let time: Timestamp
    /// Whether only what was known at that time counts.
    let isTrial: Bool
    let isCancelled: () -> Bool
    /// Only what these versions were asked; nil is all.
    var versions: Set<UInt32>? = nil

    /// What cannot be read cannot be told, with the reason.
    func finding() throws(AlulaError) -> MonitorFinding {
        do {
            return try monitor.model.map(finding) ?? freshness()
        } catch let error as AlulaError where error.code != .internal && error.code != .cancelled {
            return MonitorFinding(.cannotTell, reason: error.message)
        } catch let error as AlulaError {
            throw error
        } catch {
            throw AlulaError(.internal, "a monitor could not be read: \(error)")
        }
    }

    private func finding(of model: RegisteredModelName) throws -> MonitorFinding {
        let end = Self.before(time, monitor.delay)
        let start = Self.before(end, monitor.window)
        let name = ServedModel.Name(project, model)
        var current = query(name, from: start, until: end)
        switch monitor.figure {
        case .drift, .nullShare, .expiredShare: current.columns = [monitor.feature]
        case .predictionDrift, .performance, .missingOutcomes, .errors, .unpredicted:
            current.columns = []
        case .driftedShare, .freshness: break
        }
        switch monitor.figure {
        case .performance, .missingOutcomes: return try performance(current, start)
        case .errors: return try share(.errors, current)
        case .unpredicted: return try share(.unpredicted, current)
        case .drift, .driftedShare, .predictionDrift, .nullShare, .expiredShare, .freshness:
            return try distribution(current, start)
        }
    }

    private func query(
        _ name: ServedModel.Name,
        from start: Timestamp,
        until end: Timestamp
    ) -> ServedQuery {
        var query = ServedQuery(name)
        query.versions = versions
        query.since = start
        // Windows that follow each other share no row.
        query.until = Self.before(end, TimeSpan(microseconds: 1))
        // The rules of a rollout see one picture.
        query.asKnown = isTrial || versions != nil ? time : nil
        return query
    }

    private static func before(_ time: Timestamp, _ span: TimeSpan) -> Timestamp {
        let (result, overflow) = time.microseconds.subtractingReportingOverflow(span.microseconds)
        return Timestamp(microseconds: overflow ? .min : result)
    }

    /// The window before that of `current`, as long as the monitor says.
    func earlier(
        _ span: TimeSpan,
        _ current: ServedQuery,
        _ start: Timestamp
    ) -> ServedQuery {
        var other = query(current.model, from: Self.before(start, span), until: start)
        other.columns = current.columns
        return other
    }

    func tooFew(_ rows: UInt64, _ what: String) -> MonitorFinding? {
        guard rows < monitor.minRows else { return nil }
        let reason =
            rows == 0
            ? "\(what): there are none"
            : "\(what): \(rows) are fewer than \(monitor.minRows)"
        return MonitorFinding(.cannotTell, rows: rows, reason: reason)
    }

    private func freshness() throws -> MonitorFinding {
        guard case .view(let name) = monitor.subject else {
            throw AlulaError(.internal, "freshness is of a view")
        }
        let view = try sources.catalog.snapshot.project(project.text).view(name.text)
        let newest =
            isTrial ? try sources.newestEventThen(view, time) : sources.newestEvent(view.id)
        guard let newest else {
            let reason =
                isTrial ? "history had no row of view \(name)" : "view \(name) has no row online"
            return MonitorFinding(.cannotTell, reason: reason)
        }
        let age = max(0, time.microseconds - newest.microseconds)
        let threshold = monitor.threshold ?? 0
        let value = Double(age) / 1_000_000
        return MonitorFinding(
            value > threshold ? .breached : .fine,
            value: value,
            threshold: threshold,
            rows: 0,
            reason: "the newest row \(isTrial ? "was" : "is") of \(newest)"
        )
    }
}

// MARK: - Distributions

extension MonitorReading {
    private func distribution(_ query: ServedQuery, _ start: Timestamp) throws -> MonitorFinding {
        let current = try ServedProfile(query, of: sources.served, isCancelled: isCancelled)
        if let finding = tooFew(current.table.rows, "rows served") { return finding }
        let reference = try reference(current, query, start)
        if let reference, case .window = monitor.reference,
            let finding = tooFew(reference.table.rows, "rows served before")
        {
            return finding
        }
        switch monitor.figure {
        case .nullShare: return try share(reference?.table, current.table, "null") { $0.nulls }
        case .expiredShare:
            return try share(reference?.table, current.table, "expired") { $0.expired }
        default: return try drift(reference, current.table)
        }
    }

    /// A table of what is compared with, and its columns that count by themselves.
    private struct Compared {
        var table: TableProfile
        var columns: [String]
    }

    private func reference(
        _ current: ServedProfile,
        _ query: ServedQuery,
        _ start: Timestamp
    ) throws -> Compared? {
        switch monitor.reference {
        case nil: return nil
        case .window(let span):
            let other = try ServedProfile(
                earlier(span, query, start),
                of: sources.served,
                isCancelled: isCancelled
            )
            let names = other.table.features.map(\.name).filter { !$0.contains("@") }
            return Compared(table: other.table, columns: names)
        case .trainingSet(let id):
            return try compared(try TrainingSetID(id, as: "training set"))
        case .training:
            guard let newest = current.versions.keys.max() else { return nil }
            let version = try sources.registry.version(
                .version(newest),
                of: query.model.model,
                project: project
            )
            guard let id = version.trainingSet else {
                throw AlulaError.refused(
                    "version \(newest) of \(query.model.model) was registered without a training set"
                )
            }
            return try compared(id)
        }
    }

    private func compared(_ id: TrainingSetID) throws -> Compared {
        guard let record = try sources.registry.trainingSet(id), record.project == project else {
            throw AlulaError.notFound("there is no training set \(id) in project \(project)")
        }
        guard let bytes = try sources.registry.profile(of: record.id) else {
            throw AlulaError.notFound("training set \(record.id) has no profile any more")
        }
        let table = try TableProfile(decoding: bytes)
        return Compared(table: table, columns: record.featureColumns)
    }

    private func share(
        _ reference: TableProfile?,
        _ current: TableProfile,
        _ word: String,
        _ count: (FeatureProfile) -> UInt64
    ) throws -> MonitorFinding {
        let name = monitor.feature
        guard let now = current[name] else {
            throw AlulaError.notFound("what was served has no feature \"\(name)\"")
        }
        let threshold = monitor.threshold ?? 1
        let share = now.share(count(now))
        guard let reference else {
            return MonitorFinding(
                share >= threshold ? .breached : .fine,
                value: share,
                threshold: threshold,
                rows: current.rows,
                reason: "\(count(now)) of \(now.rows) rows are \(word)"
            )
        }
        guard let before = reference[name] else {
            throw AlulaError.notFound("what it is compared with has no feature \"\(name)\"")
        }
        let was = before.share(count(before))
        return MonitorFinding(
            share - was >= threshold ? .breached : .fine,
            value: share,
            threshold: was + threshold,
            rows: current.rows,
            reason: "\(count(now)) of \(now.rows) rows are \(word); \(count(before)) of "
                + "\(before.rows) were"
        )
    }

    private func drift(_ reference: Compared?, _ current: TableProfile) throws -> MonitorFinding {
        guard let reference else { throw AlulaError.invalid("there is nothing to compare with") }
        var options = DriftOptions()
        options.test = monitor.test.isEmpty ? nil : DriftTest(rawValue: monitor.test)
        if monitor.figure == .driftedShare {
            return driftedShare(reference, current, options)
        }
        options.threshold = monitor.threshold
        let name = monitor.figure == .drift ? monitor.feature : ServedColumn.prediction
        let drift = FeatureDrift(name, reference.table[name], current[name], options)
        switch drift.verdict {
        case .cannotTell(let why):
            return MonitorFinding(.cannotTell, rows: current.rows, reason: "\(name): \(why)")
        case .scored(let test, let score, let threshold, let isDrift):
            let word = test.isPValue ? "p" : "distance"
            return MonitorFinding(
                isDrift ? .breached : .fine,
                value: score,
                threshold: threshold,
                rows: current.rows,
                reason: "\(test.rawValue): \(word) \(Self.text(score)), "
                    + (isDrift ? "drift" : "no drift") + " at \(Self.text(threshold))"
            )
        }
    }

    private func driftedShare(
        _ reference: Compared,
        _ current: TableProfile,
        _ options: DriftOptions
    ) -> MonitorFinding {
        let report = DriftReport(
            reference: reference.table,
            current: current,
            columns: reference.columns.filter { reference.table[$0] != nil },
            options: options
        )
        guard report.compared > 0 else {
            return MonitorFinding(
                .cannotTell,
                rows: current.rows,
                reason: "no feature could be compared"
            )
        }
        let threshold = monitor.threshold ?? options.share
        let names = report.features.filter(\.isDrift).map(\.name)
        return MonitorFinding(
            report.driftedShare >= threshold ? .breached : .fine,
            value: report.driftedShare,
            threshold: threshold,
            rows: current.rows,
            reason: "\(report.drifted) of \(report.compared) features drifted"
                + (names.isEmpty ? "" : ": " + names.prefix(20).joined(separator: ", "))
        )
    }

    static func text(_ number: Double) -> String {
        let rounded = (number * 10_000).rounded() / 10_000
        return rounded == 0 && number != 0 ? "below 0.0001" : "\(rounded)"
    }
}
