import Domain
import Offline
import Profiles
import Served
import Statistics

// What is taken back: retraction, retention, deletion.
extension ProfileDesk {
    func followRetractions() throws {
        let offline = sources.offline
        let (change, retractions) = try offline.readBeside { db in
            let change = try ProfileFile(db).change()
            return (change, try OfflineStore.retractions(db, after: change))
        }
        guard !retractions.isEmpty else { return }
        for retraction in retractions {
            let hours = try offline.readBeside { db in
                try ProfileFile(db).hours(of: retraction.view, holding: retraction.entries)
            }
            for hour in hours {
                try offline.writeBeside { db in
                    let file = ProfileFile(db)
                    // It may have gone meanwhile.
                    if let hour = try file.hour(hour.id) { try file.touch(hour) }
                }
            }
        }
        let last = retractions.map(\.logEntry).max() ?? change
        try offline.writeBeside { try ProfileFile($0).set(change: last) }
    }

    /// Hours of which history has fewer rows than they count have lost them to retention.
    func followRetention() throws {
        let offline = sources.offline
        let retired = try offline.readBeside { db in
            let seen = try ProfileFile(db).retention()
            return try OfflineStore.retirements(db, after: seen)
        }
        guard let last = retired.map(\.logEntry).max() else { return }
        let snapshot = sources.snapshot()
        for id in Set(retired.map(\.view)) {
            guard let view = snapshot.view(id: id) else { continue }
            let hours = try offline.readBeside { try ProfileFile($0).hours(.view(id)) }
                .filter { !$0.isCoarse && !$0.isTouched }
            guard !hours.isEmpty else { continue }
            let counts = try offline.rowsOfEntries(of: view) { [run] in run.isEnding }
            let sorted = counts.sorted { $0.key < $1.key }
            for hour in hours {
                guard let entries = hour.entries else { continue }
                let left = sorted.filter { entries.contains($0.key) }.reduce(0) { $0 + $1.value }
                guard left < hour.rows else { continue }
                try offline.writeBeside { db in
                    let file = ProfileFile(db)
                    if let hour = try file.hour(hour.id) { try file.coarsen(hour) }
                }
            }
        }
        try offline.writeBeside { try ProfileFile($0).set(retention: last) }
    }

    func remakeTouched() throws {
        let offline = sources.offline
        let snapshot = sources.snapshot()
        let (hours, touches) = try offline.readBeside { db in
            let file = ProfileFile(db)
            return (try file.touched(Self.mostRemade), try file.touches())
        }
        for hour in hours where !run.isEnding {
            let profile: TableProfile
            switch hour.subject {
            case .view(let id):
                guard let view = snapshot.view(id: id), let entries = hour.entries else {
                    try offline.writeBeside { try ProfileFile($0).delete(hour.id) }
                    continue
                }
                profile = try maker.profile(of: view, entries: entries)
            case .model(let project, let model):
                let end = hour.start.microseconds + hour.span.microseconds - 1
                profile =
                    try maker.profiles(
                        of: ServedModel.Name(project, model),
                        from: hour.start,
                        until: Timestamp(microseconds: end),
                        version: hour.version
                    )[hour.version] ?? TableProfile(rows: 0, features: [])
            }
            try offline.writeBeside { db in
                let file = ProfileFile(db)
                if try file.touches() == touches { try file.remake(hour.id, profile) }
            }
        }
    }

    /// A key was forgotten: what few rows have is gone from the profiles of its rows when this returns.
    func forget(_ entity: EntityID, key: [UInt8]) throws(AlulaError) {
        let views = sources.snapshot().projects.values.flatMap(\.views.values)
        for view in views where view.entity.id == entity {
            let entries = try sources.offline.entries(of: view, key: key).sorted()
            // Also where no hour has them yet: what is being made now is not kept.
            try sources.offline.writeBeside { try ProfileFile($0).countTouch() }
            let hours = try sources.offline.readBeside { try ProfileFile($0).hours(.view(view.id)) }
            for hour in hours {
                guard let range = hour.entries, entries.contains(where: range.contains) else {
                    continue
                }
                try sources.offline.eraseBeside { db in
                    let file = ProfileFile(db)
                    if let hour = try file.hour(hour.id) { try file.touch(hour) }
                }
            }
        }
    }
}
