package import Domain
import GRDB

/// A look at a monitor, and what it changed.
package struct MonitorLook: Sendable {
    package var monitor: Monitor
    package var record: MonitorRecord
    package var change: MonitorStatus.Change?

    package init(monitor: Monitor, record: MonitorRecord, change: MonitorStatus.Change?) {
        self.monitor = monitor
        self.record = record
        self.change = change
    }
}

extension RegistryStore {
    /// Where every monitor stands that was ever looked at.
    package func monitorRecords() throws(AlulaError) -> [MonitorRecord] {
        try read { try $0.monitorRecords() }
    }

    /// Keeps looks and tells of alarms that began or ended, all in one transaction.
    package func keep(_ looks: [MonitorLook], call: WriteCall) throws(AlulaError) {
        guard !looks.isEmpty else { return }
        try act { tables in
            for look in looks {
                try tables.put(look.record)
                guard let change = look.change else { continue }
                try tables.tell(change, of: look, call)
            }
        }
    }

    /// Lets go of a monitor that is no longer in force; an alarm that has not ended ends.
    package func forget(
        _ record: MonitorRecord,
        of monitor: Monitor,
        call: WriteCall
    ) throws(AlulaError) {
        try act { tables in
            try tables.execute(
                "DELETE FROM monitor_state WHERE project = ? AND name = ?",
                [record.project.text, record.name.text]
            )
            guard record.status.firingSince != nil else { return }
            var last = record
            last.finding.reason = "it is looked at no more"
            try tables.tell(
                .resolved,
                of: MonitorLook(monitor: monitor, record: last, change: .resolved),
                call
            )
        }
    }
}

extension RegistryTables {
    /// The models of a project and the services that their versions read.
    package func monitoredModels(
        _ project: ProjectName
    ) throws -> [(name: RegisteredModelName, services: [FeatureServiceReference])] {
        var found: [(name: RegisteredModelName, services: [FeatureServiceReference])] = []
        let rows = try rows(
            """
            SELECT DISTINCT model.name AS name, service, service_version
            FROM model LEFT JOIN model_version ON model_version.model = model.id
                AND model_version.deleted IS NULL
            WHERE project = ? ORDER BY name, service, service_version
            """,
            [project.text]
        )
        for row in rows {
            let name = try RegisteredModelName(row["name"], as: "model")
            if found.last?.name != name { found.append((name, [])) }
            guard let service: String = row["service"] else { continue }
            found[found.count - 1].services.append(
                FeatureServiceReference(
                    name: try FeatureServiceName(service, as: "service"),
                    version: row["service_version"]
                )
            )
        }
        return found
    }

    fileprivate func monitorRecords() throws -> [MonitorRecord] {
        try rows("SELECT * FROM monitor_state ORDER BY project, name", []).map { row in
            guard let state = MonitorState(rawValue: row["state"]) else {
                throw AlulaError.corrupt("a monitor has an unknown state")
            }
            let firing: Int64? = row["firing_since"]
            let verdict: MonitorFinding.Verdict =
                switch state {
                case .ok, .resolved: .fine
                case .pending, .firing: .breached
                case .cannotTell: .cannotTell
                }
            return MonitorRecord(
                project: try ProjectName(row["project"], as: "project"),
                name: try MonitorName(row["name"], as: "monitor"),
                version: row["version"],
                status: MonitorStatus(
                    state: state,
                    since: Timestamp(microseconds: row["since"]),
                    firingSince: firing.map(Timestamp.init(microseconds:))
                ),
                evaluated: Timestamp(microseconds: row["evaluated"]),
                finding: MonitorFinding(
                    verdict,
                    value: row["value"],
                    threshold: row["threshold"],
                    rows: UInt64(clamping: row["rows"] as Int64),
                    reason: row["reason"]
                )
            )
        }
    }

    fileprivate func put(_ record: MonitorRecord) throws {
        let (status, finding) = (record.status, record.finding)
        try execute(
            "INSERT OR REPLACE INTO monitor_state VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                record.project.text, record.name.text, record.version, status.state.rawValue,
                status.since.microseconds, status.firingSince?.microseconds,
                record.evaluated.microseconds, finding.value, finding.threshold,
                Int64(clamping: finding.rows), finding.reason,
            ]
        )
    }
}
