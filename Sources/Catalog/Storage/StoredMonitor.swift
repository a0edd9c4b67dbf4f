package import Domain
import Foundation
import GRDB

/// How a monitor is kept.
struct StoredMonitor: Codable {
    var model: String?
    var view: String?
    var what: String
    var feature: String
    var metric: String
    /// `training`, the id of a training set, or nothing.
    var against: String?
    var againstWindow: Int64?
    var window: Int64
    var delay: Int64
    var minRows: UInt64
    var threshold: Double?
    var test: String
    var hold: Int64
    var every: Int64

    init(_ monitor: Monitor) {
        switch monitor.subject {
        case .model(let name): model = name.text
        case .view(let name): view = name.text
        }
        what = monitor.figure.rawValue
        feature = monitor.feature
        metric = monitor.metric
        switch monitor.reference {
        case .training: against = "training"
        case .trainingSet(let id): against = id
        case .window(let span): againstWindow = span.microseconds
        case nil: break
        }
        window = monitor.window.microseconds
        delay = monitor.delay.microseconds
        minRows = monitor.minRows
        threshold = monitor.threshold
        test = monitor.test
        hold = monitor.hold.microseconds
        every = monitor.every.microseconds
    }

    func monitor(_ name: String) throws(AlulaError) -> Monitor {
        let subject: Monitor.Subject
        switch (model, view) {
        case (let model?, nil): subject = .model(try RegisteredModelName(model, as: "model"))
        case (nil, let view?): subject = .view(try FeatureViewName(view, as: "view"))
        default: throw .corrupt("monitor \"\(name)\" is of nothing")
        }
        guard let figure = Monitor.Figure(rawValue: what) else {
            throw .corrupt("monitor \"\(name)\" looks at \"\(what)\"")
        }
        var monitor = Monitor(
            name: try MonitorName(name, as: "monitor"),
            subject: subject,
            figure: figure,
            feature: feature,
            metric: metric,
            window: TimeSpan(microseconds: window),
            delay: TimeSpan(microseconds: delay),
            minRows: minRows,
            threshold: threshold,
            test: test,
            hold: TimeSpan(microseconds: hold),
            every: TimeSpan(microseconds: every)
        )
        if let againstWindow {
            monitor.reference = .window(TimeSpan(microseconds: againstWindow))
        } else if let against {
            monitor.reference = against == "training" ? .training : .trainingSet(against)
        }
        return monitor
    }
}

extension VersionedMonitor {
    private struct Stored: Encodable {
        var version: UInt32
        var retired: Bool
        var monitor: StoredMonitor
    }

    /// JSON for the audit log.
    package var json: String {
        get throws {
            try CatalogTables.json(
                Stored(version: version, retired: isRetired, monitor: StoredMonitor(monitor))
            )
        }
    }
}

extension CatalogTables {
    func put(_ versioned: VersionedMonitor, _ project: ProjectName) throws {
        try database.execute(
            sql: "INSERT INTO monitor VALUES (?, ?, ?, ?, ?)",
            arguments: [
                project.text, versioned.monitor.name.text, versioned.version,
                versioned.isRetired, try Self.json(StoredMonitor(versioned.monitor)),
            ]
        )
    }

    /// The greatest version of every monitor, retired ones too, by name.
    func loadMonitors() throws -> [ProjectName: [VersionedMonitor]] {
        var monitors: [ProjectName: [VersionedMonitor]] = [:]
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT project, name, max(version) AS version, retired, definition FROM monitor
                GROUP BY project, name ORDER BY project, name
                """
        )
        for row in rows {
            let json: Data = row["definition"]
            let stored = try JSONDecoder().decode(StoredMonitor.self, from: json)
            monitors[try ProjectName(row["project"], as: "project"), default: []].append(
                VersionedMonitor(
                    monitor: try stored.monitor(row["name"]),
                    version: row["version"],
                    isRetired: row["retired"]
                )
            )
        }
        return monitors
    }
}
