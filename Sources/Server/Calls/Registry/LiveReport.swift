import Domain
import Registry
import Releases
import Served
import Statistics
import Wire

extension Dispatcher {
    /// How candidate and holder did lately, by the prediction log; empty where neither was served.
    func liveTables(
        of report: VersionReport,
        _ request: WireReportRequest,
        _ call: Call
    ) throws -> [ReportTable] {
        let name = try servedName(request.model, request.head)
        let head = try CallHead(request.head)
        let limit = ContinuousClock.now + LiveVersion.readingTime
        var found: [LiveVersion] = []
        for version in [report.holder, report.candidate].compactMap({ $0 }) {
            var query = ServedQuery(name)
            query.versions = [version.number]
            query.since = Timestamp(
                microseconds: report.time.microseconds - LiveVersion.span.microseconds
            )
            let reading = Result {
                try read(version, query, head) { call.isEnded || ContinuousClock.now > limit }
            }
            try call.checkEnded()
            switch reading {
            case .success(let live?): found.append(live)
            case .success(nil): break
            case .failure(let error as AlulaError):
                let why =
                    error.code == .cancelled ? "the log is too long to be read here" : error.message
                found.append(LiveVersion(version: version, problem: why))
            case .failure(let error): throw error
            }
        }
        guard !found.isEmpty else { return [] }
        return [LiveVersion.performanceTable(found), LiveVersion.driftTable(found)]
    }

    /// Nil where it was not served.
    private func read(
        _ version: ModelVersion,
        _ query: ServedQuery,
        _ head: CallHead,
        _ isCancelled: @escaping () -> Bool
    ) throws -> LiveVersion? {
        let served = try ServedProfile(query, of: services.served, isCancelled: isCancelled)
        guard served.table.rows > 0 else { return nil }
        var plain = query
        plain.withStatuses = false
        plain.columns = []
        var slices = PerformanceSlices(windowMicroseconds: 0, by: "")
        try ServedScan(services.served).scan(plain, isCancelled: isCancelled) { batch in
            try slices.add(batch)
        }
        var live = LiveVersion(version: version, problem: "")
        live.slice = slices.answer.slices.first
        if let id = version.trainingSet {
            let record = try trainingSet(id.text, head)
            let before = try profile(of: record)
            live.drift = DriftReport(
                reference: before,
                current: served.table,
                columns: record.featureColumns.filter { before[$0] != nil }
            )
        }
        return live
    }
}

/// What a version was served lately and how it did.
private struct LiveVersion {
    var version: ModelVersion
    /// Why nothing can be told; else empty.
    var problem: String
    var slice: WirePerformanceSlice?
    /// Nil where it was made without a training set.
    var drift: DriftReport?

    /// So far back is looked, and for so long.
    static let span = TimeSpan.seconds(7 * 86_400)
    static let readingTime = Duration.seconds(3)
    /// Features in a table.
    private static let mostRows = 20

    init(version: ModelVersion, problem: String) {
        self.version = version
        self.problem = problem
    }

    private var title: String { "version \(version.number)" }

    private static func notes(_ versions: [Self]) -> String {
        versions.filter { !$0.problem.isEmpty }
            .map { "Of \($0.title) nothing is told: \($0.problem)." }.joined(separator: " ")
    }

    // MARK: - Performance

    static func performanceTable(_ versions: [Self]) -> ReportTable {
        let told = versions.filter { $0.problem.isEmpty }
        var names: [String] = []
        for figure in told.flatMap({ $0.slice?.figures ?? [] }) where !names.contains(figure.name) {
            names.append(figure.name)
        }
        var rows = [
            ["predictions"] + told.map { "\($0.slice?.rows ?? 0)" },
            ["of them without an outcome"] + told.map { "\($0.slice?.missing ?? 0)" },
            ["could not be predicted"] + told.map { "\($0.slice?.failed ?? 0)" },
            ["without a prediction"] + told.map { "\($0.slice?.unpredicted ?? 0)" },
        ]
        let heads = rows.count
        rows += names.map { name in
            [name]
                + told.map { live in
                    let figure = live.slice?.figures.first { $0.name == name }
                    return figure.map(text) ?? "-"
                }
        }
        for (column, live) in told.enumerated() {
            // Where metrics of the training bear the name of a figure.
            let known = Dictionary(
                live.version.metrics.map { ($0.name.text, $0.value) },
                uniquingKeysWith: { first, _ in first }
            )
            for (place, name) in names.enumerated() {
                guard let trained = known[name] else { continue }
                rows[place + heads][column + 1] += ", in training \(MonitorReading.text(trained))"
            }
        }
        return ReportTable(
            title: "Performance as served, in the last 7 days",
            note: notes(versions),
            columns: [""] + told.map(\.title),
            rows: told.isEmpty ? [] : rows
        )
    }

    private static func text(_ figure: WireFigure) -> String {
        let value = MonitorReading.text(figure.value)
        guard figure.hasLow, figure.hasHigh else { return value }
        return
            "\(value) (\(MonitorReading.text(figure.low)) to \(MonitorReading.text(figure.high)))"
    }

    // MARK: - Drift

    static func driftTable(_ versions: [Self]) -> ReportTable {
        let told = versions.filter { $0.problem.isEmpty }
        var moved: [String] = []
        for feature in told.flatMap({ $0.drift?.features ?? [] })
        where (feature.isDrift || feature.nullsMoved) && !moved.contains(feature.name) {
            moved.append(feature.name)
        }
        var rows = [["features that moved"] + told.map(\.summary)]
        rows += moved.prefix(mostRows).map { name in
            [name] + told.map { $0.drift?.features.first { $0.name == name }.map(text) ?? "-" }
        }
        return ReportTable(
            title: "Drift since training, in the last 7 days",
            note: moved.count > mostRows ? "\(moved.count - mostRows) more features moved." : "",
            columns: [""] + told.map(\.title),
            rows: told.isEmpty ? [] : rows
        )
    }

    private var summary: String {
        guard let drift else { return "no training set" }
        return "\(drift.drifted) of \(drift.compared)" + (drift.isDrift ? ": drift" : "")
    }

    private static func text(_ feature: FeatureDrift) -> String {
        let nulls = feature.nullsMoved ? ", nulls moved" : ""
        return switch feature.verdict {
        case .cannotTell(let why): "cannot tell: \(why)"
        case .scored(let test, let score, _, let isDrift):
            "\(test.rawValue) \(MonitorReading.text(score))" + (isDrift ? ": drift" : "") + nulls
        }
    }
}
