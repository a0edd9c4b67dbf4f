import Catalog
import Domain
import Foundation
import Logging
import Registry
import Served
import Synchronization

/// Looks at the figures of all monitors, each as often as it says, and keeps where they stand.
///
/// One thread of low priority does it, for a bounded time a round; looks that do not fit in go first
/// in the next. What it keeps is in the catalog, so that a restart goes on where it was.
final class MonitorDesk: Sendable {
    struct Key: Hashable {
        var project: ProjectName
        var name: MonitorName
    }

    /// What monitors read.
    struct Sources: Sendable {
        var registry: RegistryStore
        var served: ServedLog
        var catalog: CatalogStore
        var newestEvent: @Sendable (FeatureViewID) -> Timestamp?
        /// The newest event time that history had of a view at a time.
        var newestEventThen: @Sendable (FeatureView, Timestamp) throws -> Timestamp?
    }

    private let sources: Sources
    private let freshness: FreshnessWatch
    private let now: @Sendable () -> Timestamp
    private let logger: Logger
    private let records: Mutex<[Key: MonitorRecord]>
    private let failures: FailureLog
    private let run: Rounds

    /// A round begins no look after it.
    private static let roundTime = Duration.seconds(5)
    /// Of one look; what takes longer cannot be told.
    private static let lookTime = Duration.seconds(10)
    /// Looks of one trial.
    static let mostLooks: Int64 = 24

    init(
        _ sources: Sources,
        now: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) throws(AlulaError) {
        self.sources = sources
        self.now = now
        self.logger = logger
        failures = FailureLog("where monitors or views stand could not be kept", logger)
        run = Rounds("monitors", pause: .seconds(1))
        freshness = try FreshnessWatch(
            sources.registry,
            sources.catalog,
            newestEvent: sources.newestEvent,
            now: now
        )
        var known: [Key: MonitorRecord] = [:]
        for record in try sources.registry.monitorRecords() {
            known[Key(project: record.project, name: record.name)] = record
        }
        records = Mutex(known)
    }

    func start() {
        run.begin { [self] in round() }
    }

    /// Returns when the look that is under way has ended.
    func stop() { run.end() }

    /// Where a monitor stands; nil where it was never looked at.
    func record(_ project: ProjectName, _ name: MonitorName) -> MonitorRecord? {
        records.withLock { $0[Key(project: project, name: name)] }
    }
}

// MARK: - Rounds

extension MonitorDesk {
    private func round() {
        failures.attempt { try freshness.look(call) }
        let monitors = sources.catalog.monitors
        forgetRetired(monitors)
        let start = ContinuousClock.now
        var looks: [MonitorLook] = []
        for (project, versioned) in due(monitors, now()) {
            if run.isEnding || ContinuousClock.now - start > Self.roundTime { break }
            if let look = look(at: versioned, project) { looks.append(look) }
        }
        keep(looks)
    }

    /// Those whose time has come, the longest overdue first.
    private func due(
        _ monitors: [ProjectName: [VersionedMonitor]],
        _ now: Timestamp
    ) -> [(project: ProjectName, monitor: VersionedMonitor)] {
        let known = records.withLock { $0 }
        var found: [(project: ProjectName, monitor: VersionedMonitor, late: Int64)] = []
        for (project, monitors) in monitors {
            for versioned in monitors where !versioned.isRetired {
                let monitor = versioned.monitor
                guard let record = known[Key(project: project, name: monitor.name)],
                    record.version == versioned.version
                else {
                    found.append((project, versioned, .max))
                    continue
                }
                let age = now.microseconds - record.evaluated.microseconds
                // A clock that went back does not stop it.
                guard age < 0 || age >= monitor.every.microseconds else { continue }
                found.append((project, versioned, age - monitor.every.microseconds))
            }
        }
        return found.sorted {
            ($0.late, $1.monitor.monitor.name) > ($1.late, $0.monitor.monitor.name)
        }
        .map { ($0.project, $0.monitor) }
    }

    /// Nil where the server stops meanwhile.
    private func look(at versioned: VersionedMonitor, _ project: ProjectName) -> MonitorLook? {
        let time = now()
        let monitor = versioned.monitor
        let before = record(project, monitor.name)
        var status = before?.status ?? MonitorStatus(at: time)
        if let before, before.version != versioned.version { status.redefine(at: time) }
        let limit = ContinuousClock.now + Self.lookTime
        let reading = reading(of: monitor, project, at: time, isTrial: false) { [run] in
            run.isEnding || ContinuousClock.now > limit
        }
        let finding: MonitorFinding
        switch Result(catching: { () throws(AlulaError) in try reading.finding() }) {
        case .success(let found): finding = found
        case .failure where run.isEnding: return nil
        case .failure(let error) where error.code == .cancelled:
            finding = MonitorFinding(
                .cannotTell,
                reason: "it took longer than \(Self.lookTime.components.seconds) s to read: take a "
                    + "shorter window"
            )
        case .failure(let error):
            logger.warning(
                "a monitor could not be read",
                metadata: ["monitor": "\(monitor.name)", "error": "\(error)"]
            )
            finding = MonitorFinding(
                .cannotTell,
                reason: "it could not be read: see the server's log"
            )
        }
        let change = status.take(finding.verdict, at: time, hold: monitor.hold)
        return MonitorLook(
            monitor: monitor,
            record: MonitorRecord(
                project: project,
                name: monitor.name,
                version: versioned.version,
                status: status,
                evaluated: time,
                finding: finding
            ),
            change: change
        )
    }

    /// What could not be kept is looked at again in the next round, so that no event is lost.
    private func keep(_ looks: [MonitorLook]) {
        guard let first = looks.first else { return }
        failures.attempt {
            try sources.registry.keep(looks, call: call(first.record.project))
            records.withLock { records in
                for look in looks {
                    let record = look.record
                    records[Key(project: record.project, name: record.name)] = record
                }
            }
        }
    }

    private func forgetRetired(_ monitors: [ProjectName: [VersionedMonitor]]) {
        for (key, record) in records.withLock({ $0 }) {
            guard
                let versioned = monitors[key.project]?.first(where: {
                    $0.monitor.name == key.name
                }), versioned.isRetired
            else { continue }
            failures.attempt {
                try sources.registry.forget(
                    record,
                    of: versioned.monitor,
                    call: call(key.project)
                )
                records.withLock { $0[key] = nil }
            }
        }
    }

    private func call(_ project: ProjectName) -> WriteCall {
        WriteCall(requestID: [], identity: .server, project: project, now: now())
    }

    private func reading(
        of monitor: Monitor,
        _ project: ProjectName,
        at time: Timestamp,
        isTrial: Bool,
        isCancelled: @escaping () -> Bool
    ) -> MonitorReading {
        MonitorReading(
            sources: sources,
            monitor: monitor,
            project: project,
            time: time,
            isTrial: isTrial,
            isCancelled: isCancelled
        )
    }
}

// MARK: - Trials

extension MonitorDesk {
    /// What a monitor would have said at a time, look by look; changes nothing.
    ///
    /// Looks are spread over the time that it must be breached for.
    func attempt(
        _ versioned: VersionedMonitor,
        _ project: ProjectName,
        at time: Timestamp,
        isCancelled: @escaping () -> Bool
    ) throws(AlulaError) -> [MonitorRecord] {
        let monitor = versioned.monitor
        let hold = monitor.hold.microseconds
        let steps = min(
            Self.mostLooks,
            (hold + monitor.every.microseconds - 1) / monitor.every.microseconds
        )
        var looks: [MonitorRecord] = []
        var status: MonitorStatus?
        for step in 0...steps {
            // The last one is at the time itself.
            let back =
                steps == 0 ? 0 : hold / steps * (steps - step) + (step == 0 ? hold % steps : 0)
            let (microseconds, overflow) = time.microseconds.subtractingReportingOverflow(back)
            let moment = Timestamp(microseconds: overflow ? .min : microseconds)
            let reading = reading(
                of: monitor,
                project,
                at: moment,
                isTrial: true,
                isCancelled: isCancelled
            )
            let finding = try reading.finding()
            var next = status ?? MonitorStatus(at: moment)
            _ = next.take(finding.verdict, at: moment, hold: monitor.hold)
            status = next
            looks.append(
                MonitorRecord(
                    project: project,
                    name: monitor.name,
                    version: versioned.version,
                    status: next,
                    evaluated: moment,
                    finding: finding
                )
            )
        }
        return looks
    }
}
