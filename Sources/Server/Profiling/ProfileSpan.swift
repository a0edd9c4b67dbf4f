import Domain
import Offline
import Profiles
import Served
import Statistics

/// The profile of a span of time, hour by hour.
struct ProfileSpan {
    struct Hour {
        var start: Timestamp
        var span: TimeSpan
        var version: UInt32
        var rows: UInt64
        var isCoarse: Bool
        var isStale = false
    }

    private(set) var hours: [Hour] = []
    private var sum = ProfileSum()

    mutating func add(_ profile: TableProfile, _ hour: Hour) {
        guard profile.rows > 0 else { return }
        var hour = hour
        hour.rows = profile.rows
        hours.append(hour)
        sum.add(profile)
    }

    func table() -> TableProfile { sum.finish() }
}

// What is asked of profiles: hours that are kept, and those that are not yet made from their rows.
extension ProfileDesk {
    /// Of the rows of a view that were recorded in the hours from that of `since` to that of `until`.
    func profile(
        of view: FeatureView,
        since: Timestamp?,
        until: Timestamp?,
        isCancelled: @escaping () -> Bool
    ) throws -> ProfileSpan {
        let range = range(since, until)
        let subject = ProfileSubject.view(view.id)
        let (cursor, kept) = try sources.offline.readBeside { db in
            let file = ProfileFile(db)
            return (
                try file.cursor(subject)?.entry ?? 0,
                try file.hours(subject, from: range.lowerBound, before: range.upperBound)
            )
        }
        var found = ProfileSpan()
        try add(kept, to: &found)
        let maker = maker(isCancelled)
        var entry = cursor
        while let next = try sources.offline.recorded(after: entry) {
            let start = rule.start(of: next.time)
            let end = rule.end(of: start)
            guard start < range.upperBound else { break }
            let through = max(
                entry + 1,
                try sources.offline.logEntry(at: Timestamp(microseconds: end.microseconds - 1))
            )
            if start >= range.lowerBound {
                found.add(
                    try maker.profile(of: view, entries: (entry + 1)...through),
                    hour(start)
                )
            }
            entry = through
        }
        return found
    }

    /// Of the vectors that a model was served in these hours.
    func profile(
        of model: ServedModel.Name,
        versions: Set<UInt32>?,
        since: Timestamp?,
        until: Timestamp?,
        isCancelled: @escaping () -> Bool
    ) throws -> ProfileSpan {
        let range = range(since, until)
        try sources.served.flush()
        let subject = ProfileSubject.model(model.project, model.model)
        let (cursor, all) = try sources.offline.readBeside { db in
            let file = ProfileFile(db)
            return (
                try file.cursor(subject).map { rule.start(of: $0.start) } ?? .distantPast,
                try file.hours(subject, from: range.lowerBound, before: range.upperBound)
            )
        }
        var found = ProfileSpan()
        // From there on they are made again.
        let kept = all.filter { $0.start < cursor && versions?.contains($0.version) ?? true }
        try add(kept, to: &found)
        let maker = maker(isCancelled)
        var from = max(cursor, range.lowerBound)
        while let first = try sources.served.firstVector(of: model, from: from) {
            let start = rule.start(of: first)
            let end = rule.end(of: start)
            guard start < range.upperBound else { break }
            let profiles = try maker.profiles(
                of: model,
                from: max(start, from),
                until: Timestamp(microseconds: end.microseconds - 1)
            )
            for (version, profile) in profiles.sorted(by: { $0.key < $1.key })
            where versions?.contains(version) ?? true {
                var hour = hour(start)
                hour.version = version
                found.add(profile, hour)
            }
            from = end
        }
        return found
    }

    private func add(_ kept: [ProfiledHour], to found: inout ProfileSpan) throws {
        for hour in kept {
            // It may have gone since, or have been made again.
            let read = try sources.offline.readBeside { db in
                let file = ProfileFile(db)
                return (try file.hour(hour.id), try file.profile(hour.id))
            }
            guard let now = read.0, let profile = read.1 else { continue }
            found.add(
                profile,
                ProfileSpan.Hour(
                    start: now.start,
                    span: now.span,
                    version: now.version,
                    rows: now.rows,
                    isCoarse: now.isCoarse || now.isTouched,
                    isStale: now.isStale
                )
            )
        }
    }

    private func hour(_ start: Timestamp) -> ProfileSpan.Hour {
        ProfileSpan.Hour(start: start, span: rule.span, version: 0, rows: 0, isCoarse: false)
    }

    private func maker(_ isCancelled: @escaping () -> Bool) -> ProfileMaker {
        ProfileMaker(offline: sources.offline, served: sources.served, isCancelled: isCancelled)
    }

    /// From the beginning of the first hour to the end of the last.
    private func range(_ since: Timestamp?, _ until: Timestamp?) -> Range<Timestamp> {
        let first = since.map(rule.start) ?? .distantPast
        let last = until.map { rule.end(of: rule.start(of: $0)) } ?? .distantFuture
        return first..<max(first, last)
    }
}
