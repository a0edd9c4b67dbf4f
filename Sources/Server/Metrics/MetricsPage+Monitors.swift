import Catalog
import Domain

extension MetricsPage {
    /// Where monitors stand, and their figures.
    mutating func writeMonitors() {
        var known: [(labels: [(name: String, value: String)], record: MonitorRecord?)] = []
        page.begin("alula_monitor_info", .gauge, "The monitors in force, and what they look at.")
        for (project, monitors) in services.catalog.monitors.sorted(by: { $0.key < $1.key }) {
            for versioned in monitors where !versioned.isRetired {
                let name = versioned.monitor.name
                let labels: [(name: String, value: String)] = [
                    ("project", project.text), ("monitor", name.text),
                ]
                known.append((labels, services.monitors.record(project, name)))
                page.sample("alula_monitor_info", labels + versioned.monitor.labels, 1)
            }
        }
        page.begin("alula_monitor_state", .gauge, "1 for the state that a monitor is in.")
        for (labels, record) in known {
            let state = record?.status.state ?? .cannotTell
            for other in MonitorState.allCases {
                page.sample(
                    "alula_monitor_state",
                    labels + [("state", other.rawValue)],
                    other == state ? 1 : 0
                )
            }
        }
        page.begin(
            "alula_monitor_alarm",
            .gauge,
            "1 from when a monitor fires until it is resolved, also while nothing can be told."
        )
        for (labels, record) in known {
            page.sample("alula_monitor_alarm", labels, record?.status.firingSince == nil ? 0 : 1)
        }
        page.begin("alula_monitor_value", .gauge, "The figure of a monitor, where there is one.")
        for (labels, record) in known {
            guard let value = record?.finding.value else { continue }
            page.sample("alula_monitor_value", labels, number: value)
        }
        page.begin("alula_monitor_threshold", .gauge, "What the figure is compared with.")
        for (labels, record) in known {
            guard let threshold = record?.finding.threshold else { continue }
            page.sample("alula_monitor_threshold", labels, number: threshold)
        }
    }
}

extension Monitor {
    /// What it looks at; empty where it is of none.
    fileprivate var labels: [(name: String, value: String)] {
        var view = ""
        if case .view(let name) = subject { view = name.text }
        return [
            ("model", model?.text ?? ""), ("view", view), ("what", figure.rawValue),
            ("feature", feature), ("metric", metric),
        ]
    }
}
