package import Domain
import Foundation
package import GRDB
package import Statistics

/// The tables of profiles in `offline.sqlite`, in a transaction of their caller.
package struct ProfileFile {
    let db: Database

    package init(_ db: Database) { self.db = db }

    /// Counts deletions of what profiles are made of.
    package func touches() throws -> Int64 {
        try Int64.fetchOne(db, sql: "SELECT touches FROM profile_state") ?? 0
    }

    /// Retractions up to this log entry are followed.
    package func change() throws -> UInt64 {
        UInt64(clamping: try Int64.fetchOne(db, sql: "SELECT change FROM profile_state") ?? 0)
    }

    package func set(change: UInt64) throws {
        try db.execute(
            sql: "UPDATE profile_state SET change = ?",
            arguments: [Int64(clamping: change)]
        )
    }

    /// Retention up to this log entry is followed.
    package func retention() throws -> UInt64 {
        UInt64(clamping: try Int64.fetchOne(db, sql: "SELECT retention FROM profile_state") ?? 0)
    }

    package func set(retention entry: UInt64) throws {
        try db.execute(
            sql: "UPDATE profile_state SET retention = ?",
            arguments: [Int64(clamping: entry)]
        )
    }

    /// Nil before the first look.
    package func cursor(_ subject: ProfileSubject) throws -> ProfileCursor? {
        try Row.fetchOne(
            db,
            sql: "SELECT start, entry FROM profile_cursor WHERE subject = ?",
            arguments: [subject.text]
        ).map {
            ProfileCursor(
                start: Timestamp(microseconds: $0[0]),
                entry: UInt64(clamping: $0[1] as Int64)
            )
        }
    }

    package func set(_ cursor: ProfileCursor, of subject: ProfileSubject) throws {
        try db.execute(
            sql: "INSERT OR REPLACE INTO profile_cursor VALUES (?, ?, ?, ?)",
            arguments: [
                subject.text, cursor.start.microseconds, cursor.start.microseconds,
                Int64(clamping: cursor.entry),
            ]
        )
    }

    /// From now on a vector from before this time puts the cursor back.
    package func begin(_ subject: ProfileSubject, through end: Timestamp) throws {
        try db.execute(
            sql: "UPDATE profile_cursor SET building = ? WHERE subject = ?",
            arguments: [end.microseconds, subject.text]
        )
    }

    /// Whether the cursor is where it was when the hour up to this time was begun.
    package func isBuilding(
        _ subject: ProfileSubject,
        _ cursor: ProfileCursor,
        through end: Timestamp
    ) throws -> Bool {
        try Bool.fetchOne(
            db,
            sql: """
                SELECT EXISTS (SELECT 1 FROM profile_cursor
                    WHERE subject = ? AND start = ? AND building = ?)
                """,
            arguments: [subject.text, cursor.start.microseconds, end.microseconds]
        ) ?? false
    }

    /// A vector of this time has come: hours that were made without it are made again.
    package func arrived(_ subject: ProfileSubject, at time: Timestamp) throws {
        try db.cachedStatement(
            sql: """
                UPDATE profile_cursor SET start = min(start, :time), building = 0
                WHERE subject = :subject AND max(start, building) > :time
                """
        ).execute(arguments: ["subject": subject.text, "time": time.microseconds])
    }
}

// MARK: - Hours

extension ProfileFile {
    private static let columns = """
        id, subject, version, start, span, first_entry, last_entry, rows, is_coarse, is_touched,
        is_stale
        """

    /// Those of a subject that begin in a span of time, oldest first.
    package func hours(
        _ subject: ProfileSubject,
        from: Timestamp = .distantPast,
        before: Timestamp = .distantFuture
    ) throws -> [ProfiledHour] {
        try hours(
            "subject = ? AND start >= ? AND start < ? ORDER BY start, version",
            [subject.text, from.microseconds, before.microseconds]
        )
    }

    package func hour(_ id: Int64) throws -> ProfiledHour? {
        try hours("id = ?", [id]).first
    }

    /// Some that wait to be made again.
    package func touched(_ most: Int) throws -> [ProfiledHour] {
        try hours("is_touched = 1 ORDER BY id LIMIT ?", [most])
    }

    /// Those of views that have rows of these log entries; nil is all views.
    package func hours(
        of view: FeatureViewID?,
        holding entries: ClosedRange<UInt64>
    ) throws -> [ProfiledHour] {
        let subject = view.map { ProfileSubject.view($0).text }
        return try hours(
            "subject LIKE ? AND first_entry <= ? AND last_entry >= ? ORDER BY id",
            [
                subject ?? "view/%", Int64(clamping: entries.upperBound),
                Int64(clamping: entries.lowerBound),
            ]
        )
    }

    private func hours(
        _ condition: String,
        _ arguments: StatementArguments
    ) throws -> [ProfiledHour] {
        try Row.fetchAll(
            db,
            sql: "SELECT \(Self.columns) FROM profile_hour WHERE \(condition)",
            arguments: arguments
        ).map { row in
            guard let subject = ProfileSubject(text: row["subject"]) else {
                throw AlulaError.corrupt("a profile is of nothing that is known")
            }
            let (first, last): (Int64?, Int64?) = (row["first_entry"], row["last_entry"])
            var entries: ClosedRange<UInt64>?
            if let first, let last, first <= last {
                entries = UInt64(clamping: first)...UInt64(clamping: last)
            }
            return ProfiledHour(
                id: row["id"],
                subject: subject,
                version: row["version"],
                start: Timestamp(microseconds: row["start"]),
                span: TimeSpan(microseconds: row["span"]),
                entries: entries,
                rows: UInt64(clamping: row["rows"] as Int64),
                isCoarse: row["is_coarse"],
                isTouched: row["is_touched"],
                isStale: row["is_stale"]
            )
        }
    }

    /// Nil where it has gone.
    package func profile(_ id: Int64) throws -> TableProfile? {
        try Data.fetchOne(
            db,
            sql: "SELECT bytes FROM profile_hour WHERE id = ?",
            arguments: [id]
        ).map { try TableProfile(decoding: Array($0)) }
    }

    /// Puts the profile of an hour in the place of what there is of it.
    package func put(
        _ profile: TableProfile,
        _ subject: ProfileSubject,
        version: UInt32 = 0,
        start: Timestamp,
        span: TimeSpan,
        entries: ClosedRange<UInt64>? = nil
    ) throws {
        try db.execute(
            sql: """
                INSERT OR REPLACE INTO profile_hour (subject, version, start, span, first_entry,
                    last_entry, rows, is_coarse, is_touched, is_stale, bytes)
                VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0, ?)
                """,
            arguments: [
                subject.text, version, start.microseconds, span.microseconds,
                entries.map { Int64(clamping: $0.lowerBound) },
                entries.map { Int64(clamping: $0.upperBound) }, Int64(clamping: profile.rows),
                Data(profile.encoded()),
            ]
        )
    }

    package func delete(_ id: Int64) throws {
        try db.execute(sql: "DELETE FROM profile_hour WHERE id = ?", arguments: [id])
    }

    /// Those that began before this time; gives how many went.
    package func delete(before time: Timestamp) throws -> Int {
        try db.execute(
            sql: "DELETE FROM profile_hour WHERE start < ?",
            arguments: [time.microseconds]
        )
        return db.changesCount
    }

    package func delete(_ subject: ProfileSubject) throws {
        for table in ["profile_hour", "profile_cursor"] {
            try db.execute(
                sql: "DELETE FROM \(table) WHERE subject = ?",
                arguments: [subject.text]
            )
        }
    }

    /// Every subject that has hours or a cursor.
    package func subjects() throws -> [ProfileSubject] {
        try String.fetchAll(
            db,
            sql: "SELECT subject FROM profile_cursor UNION SELECT subject FROM profile_hour"
        ).compactMap(ProfileSubject.init(text:))
    }
}

// MARK: - What is taken out

extension ProfileFile {
    /// Rows of the hour were forgotten or retracted: what few rows have is gone from its profile at
    /// once, and it waits to be made again.
    ///
    /// Where its rows went by retention before, it has nothing of few rows; it stays, and says that it
    /// counts what is no more.
    package func touch(_ hour: ProfiledHour) throws {
        try countTouch()
        guard !hour.isCoarse else {
            try db.execute(
                sql: "UPDATE profile_hour SET is_stale = 1 WHERE id = ?",
                arguments: [hour.id]
            )
            return
        }
        try makeCoarse(hour.id, "is_touched = 1")
    }

    /// What was begun before this is not kept.
    package func countTouch() throws {
        try db.execute(sql: "UPDATE profile_state SET touches = touches + 1")
    }

    /// The rows of the hour are gone, so that its profile is never made again.
    package func coarsen(_ hour: ProfiledHour) throws {
        guard !hour.isCoarse else { return }
        try countTouch()
        // What was taken back before it was made again stays counted.
        try makeCoarse(hour.id, "is_coarse = 1, is_stale = is_touched, is_touched = 0")
    }

    private func makeCoarse(_ id: Int64, _ assignment: String) throws {
        guard let profile = try profile(id) else { return }
        try db.execute(
            sql: "UPDATE profile_hour SET \(assignment), bytes = ? WHERE id = ?",
            arguments: [Data(profile.coarse.encoded()), id]
        )
    }

    /// The profile of what is left of a touched hour.
    package func remake(_ id: Int64, _ profile: TableProfile) throws {
        guard profile.rows > 0 else { return try delete(id) }
        try db.execute(
            sql: "UPDATE profile_hour SET is_touched = 0, rows = ?, bytes = ? WHERE id = ?",
            arguments: [Int64(clamping: profile.rows), Data(profile.encoded()), id]
        )
    }
}
