import Catalog
import Domain
import Wire

extension Dispatcher {
    func listMonitors(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireListMonitorsRequest.self, from: call.control)
        let project = try project(of: request.head)
        var answer = WireMonitors()
        answer.monitors = monitors(project, call).map { versioned in
            let record = services.monitors.record(project, versioned.monitor.name)
            return WireMonitor(versioned, record.map { WireMonitorState($0) })
        }
        return try Answer(answer)
    }

    func tryMonitor(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireTryMonitorRequest.self, from: call.control)
        let project = try project(of: request.head)
        let known = monitors(project, call)
        guard let versioned = known.first(where: { $0.monitor.name.text == request.name }) else {
            throw AlulaError.notFound(
                "there is no monitor \"\(request.name.prefix(128))\" in project \(project)"
                    + hint(request.name, among: known.map(\.monitor.name.text)),
                help: "list them: alula monitors"
            )
        }
        let looks = try services.monitors.attempt(
            versioned,
            project,
            at: Timestamp(microseconds: request.timeUs)
        ) { call.isEnded }
        try call.checkEnded()
        var answer = WireMonitorTrial()
        answer.looks = looks.map { WireMonitorState($0) }
        answer.monitor = WireMonitor(versioned, answer.looks.last)
        return try Answer(answer)
    }

    /// Those in force of what the caller may know of.
    private func monitors(_ project: ProjectName, _ call: Call) -> [VersionedMonitor] {
        let scope = call.identity.scope
        return (services.catalog.monitors[project] ?? []).filter { versioned in
            guard !versioned.isRetired else { return false }
            return switch versioned.monitor.subject {
            case .model(let name): scope.covers(name)
            case .view(let name): scope.covers(name)
            }
        }
    }
}

extension WireMonitor {
    fileprivate init(_ versioned: VersionedMonitor, _ state: WireMonitorState?) {
        self.init()
        let monitor = versioned.monitor
        name = monitor.name.text
        version = versioned.version
        switch monitor.subject {
        case .model(let name): model = name.text
        case .view(let name): view = name.text
        }
        what = monitor.figure.rawValue
        feature = monitor.feature
        metric = monitor.metric
        lines = monitor.descriptions
        var never = WireMonitorState()
        never.state = MonitorState.cannotTell.rawValue
        never.reason = "it was not looked at yet"
        self.state = state ?? never
    }
}

extension WireMonitorState {
    fileprivate init(_ record: MonitorRecord) {
        self.init()
        let (status, finding) = (record.status, record.finding)
        state = status.state.rawValue
        sinceUs = status.since.microseconds
        if let firing = status.firingSince { firingSinceUs = firing.microseconds }
        evaluatedUs = record.evaluated.microseconds
        if let number = finding.value { value = number }
        if let number = finding.threshold { threshold = number }
        rows = finding.rows
        reason = finding.reason
    }
}
