import Catalog
import Domain
import Foundation
import Logging
import Offline
import Profiles
import Served
import Statistics
import Synchronization

/// Makes the profile of every hour that is over, of each view and of each version of each model that is
/// served, and keeps them with history.
///
/// A thread of low priority reads what the log and the prediction log have made durable: nothing waits for
/// it. How far it has come is kept in the transaction that keeps a profile, by log entry and by time, so
/// that a row is in one profile once, whenever the server was killed. Hours whose rows were forgotten or
/// retracted are made again of those that are left.
final class ProfileDesk: Sendable {
    struct Sources: Sendable {
        var offline: OfflineStore
        var served: ServedLog
        var snapshot: @Sendable () -> CatalogSnapshot
        /// The last log entry that was acknowledged.
        var lastEntry: @Sendable () -> UInt64
    }

    let sources: Sources
    let rule: ProfileRule
    let now: @Sendable () -> Timestamp
    private let failures: FailureLog
    let run = Rounds("profiles", pause: .seconds(1))
    private let lastDrop = Mutex<Int64>(.min)

    private static let dropPause: Int64 = 60_000_000
    /// What is made again in one round, at most.
    static let mostRemade = 64

    init(
        _ sources: Sources,
        rule: ProfileRule,
        now: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) {
        self.sources = sources
        self.rule = rule
        self.now = now
        failures = FailureLog("profiles are behind", logger)
    }

    func start() {
        run.begin { [self] in
            failures.attempt {
                do { try round() } catch { if !run.isEnding { throw error } }
            }
        }
    }

    /// Returns when what is under way has ended.
    func stop() { run.end() }

    var maker: ProfileMaker {
        ProfileMaker(offline: sources.offline, served: sources.served) { [run] in run.isEnding }
    }

    /// Brings all profiles up to now.
    func round() throws {
        try followRetractions()
        try remakeTouched()
        try followRetention()
        let snapshot = sources.snapshot()
        for name in try sources.served.servedModels() {
            if run.isEnding { return }
            while try advance(name), !run.isEnding {}
        }
        let views = snapshot.projects.values.flatMap(\.views.values)
        for view in views.sorted(by: { $0.id.number < $1.id.number }) {
            while !run.isEnding, try advance(view) {}
            if run.isEnding { return }
        }
        try dropOld(snapshot)
    }

    /// Once a minute: what was kept long enough, and profiles of views that are no more.
    private func dropOld(_ snapshot: CatalogSnapshot) throws {
        let time = now().microseconds
        let isDue = lastDrop.withLock { last in
            guard last == .min || time < last || time - last >= Self.dropPause else { return false }
            last = time
            return true
        }
        guard isDue else { return }
        let (oldest, overflow) = time.subtractingReportingOverflow(rule.keep.microseconds)
        try sources.offline.writeBeside { db in
            let file = ProfileFile(db)
            _ = try file.delete(before: Timestamp(microseconds: overflow ? .min : oldest))
            for subject in try file.subjects() {
                guard case .view(let id) = subject, snapshot.view(id: id) == nil else { continue }
                try file.delete(subject)
            }
        }
    }
}

// MARK: - Hours that are over

extension ProfileDesk {
    /// One hour of a model, or many that have nothing; false where there is none that is over.
    private func advance(_ name: ServedModel.Name) throws -> Bool {
        let subject = ProfileSubject.model(name.project, name.model)
        let offline = sources.offline
        let known = try offline.readBeside { try ProfileFile($0).cursor(subject) }
        guard let cursor = known else {
            guard let first = try sources.served.firstVector(of: name, from: .distantPast) else {
                return false
            }
            let start = ProfileCursor(start: rule.start(of: first), entry: 0)
            try offline.writeBeside { try ProfileFile($0).set(start, of: subject) }
            return true
        }
        // What put the cursor back did not know when hours begin.
        let asked = rule.start(of: cursor.start)
        guard rule.isOver(rule.end(of: asked), at: now()) else { return false }
        // Nothing is looked for that has no row yet, nor flushed.
        guard let first = try sources.served.firstVector(of: name, from: asked) else {
            return false
        }
        let start = rule.start(of: first)
        let end = rule.end(of: start)
        guard rule.isOver(end, at: now()) else { return false }
        let touches = try offline.writeBeside { db in
            let file = ProfileFile(db)
            try file.begin(subject, through: end)
            return try file.touches()
        }
        try sources.served.flush(through: end.microseconds)
        let profiles = try maker.profiles(
            of: name,
            from: start,
            until: Timestamp(microseconds: end.microseconds - 1)
        )
        try offline.writeBeside { db in
            let file = ProfileFile(db)
            guard try file.touches() == touches,
                try file.isBuilding(subject, cursor, through: end)
            else { return }
            let before = try file.hours(subject, from: start, before: end)
            // Of hours whose rows are gone there is nothing better than what is kept.
            if !before.contains(where: \.isCoarse) {
                for hour in before { try file.delete(hour.id) }
                for (version, profile) in profiles where profile.rows > 0 {
                    try file.put(
                        profile,
                        subject,
                        version: version,
                        start: start,
                        span: rule.span
                    )
                }
            }
            try file.set(ProfileCursor(start: end, entry: 0), of: subject)
        }
        return true
    }

    /// One hour of a view; false where there is none that is over.
    private func advance(_ view: FeatureView) throws -> Bool {
        let subject = ProfileSubject.view(view.id)
        let offline = sources.offline
        let (cursor, touches) = try offline.readBeside { db in
            let file = ProfileFile(db)
            return (
                try file.cursor(subject) ?? ProfileCursor(start: .distantPast, entry: 0),
                try file.touches()
            )
        }
        guard let next = try offline.recorded(after: cursor.entry) else { return false }
        let start = rule.start(of: next.time)
        let end = rule.end(of: start)
        guard rule.isOver(end, at: now()), offline.appliedThrough >= sources.lastEntry() else {
            return false
        }
        let through = try offline.logEntry(at: Timestamp(microseconds: end.microseconds - 1))
        // Of an hour that was thought to be over all rows are taken again.
        let earlier = try offline.readBeside { db in
            try ProfileFile(db).hours(subject, from: start, before: end).first
        }
        let first = earlier?.entries?.lowerBound ?? cursor.entry + 1
        let profile = try maker.profile(of: view, entries: first...max(first, through))
        try offline.writeBeside { db in
            let file = ProfileFile(db)
            guard try file.touches() == touches else { return }
            if profile.rows > 0 {
                try file.put(
                    profile,
                    subject,
                    start: start,
                    span: rule.span,
                    entries: first...max(first, through)
                )
            }
            try file.set(ProfileCursor(start: end, entry: through), of: subject)
        }
        return true
    }
}
