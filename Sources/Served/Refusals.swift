package import Domain
import GRDB
import Offline
import Synchronization
import class Foundation.NSLock

/// Reads of model versions that the server refused, and that nobody has written down yet.
final class Refusals: Sendable {
    struct Key: Hashable, Sendable {
        var name: ServedModel.Name
        var version: UInt32
        /// The second, in microseconds.
        var at: Int64
    }

    private let waiting = Mutex<[Key: Double]>([:])
    /// Held while what waits is written, so that nobody counts it twice or not at all.
    let turn = NSLock()

    /// Versions and seconds that wait at most, while they cannot be written; others are not counted.
    private static let mostWaiting = 10_000

    func add(_ rows: Double, _ key: Key) {
        waiting.withLock { waiting in
            if waiting[key] == nil, waiting.count >= Self.mostWaiting { return }
            waiting[key, default: 0] += rows
        }
    }

    func take() -> [Key: Double] {
        waiting.withLock { waiting in
            defer { waiting = [:] }
            return waiting
        }
    }
}

extension ServedLog {
    private static let second: Int64 = 1_000_000

    /// Counts rows of a logged read that was refused because of this version, or while it was read.
    ///
    /// They weigh as much as the vectors that are kept: with a rate of a tenth, a tenth.
    package func refuse(_ rows: Int, of name: ServedModel.Name, version: UInt32) {
        figures.refused.add(rows, ordering: .relaxed)
        let weight = Double(rows) * model(name).rate
        guard weight > 0 else { return }
        let now = now().microseconds
        let key = Refusals.Key(name: name, version: version, at: now - now % Self.second)
        refusals.add(weight, key)
    }

    /// Rows that were refused for each version in a span of time, both ends inclusive.
    ///
    /// Of seconds within the last hour, of whole minutes before.
    package func refused(
        of name: ServedModel.Name,
        from: Timestamp?,
        until: Timestamp?
    ) throws(AlulaError) -> [UInt32: Double] {
        keepRefusals()
        return try offline.readBeside { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT version, SUM(rows) FROM served_refused
                    WHERE project = ? AND model = ? AND at >= ? AND at <= ? GROUP BY version
                    """,
                arguments: [
                    name.project.text, name.model.text, from?.microseconds ?? .min,
                    until?.microseconds ?? .max,
                ]
            )
            return Dictionary(uniqueKeysWithValues: rows.map { ($0[0] as UInt32, $0[1] as Double) })
        }
    }

    /// Writes what waits; what cannot be written waits on.
    func keepRefusals() {
        refusals.turn.lock()
        defer { refusals.turn.unlock() }
        let taken = refusals.take()
        guard !taken.isEmpty else { return }
        let written = Result { () throws(AlulaError) in
            try offline.writeBeside { db in
                for (key, rows) in taken { try ServedFile(db).add(rows, key) }
            }
        }
        if case .failure = written {
            for (key, rows) in taken { refusals.add(rows, key) }
        }
    }
}

extension ServedFile {
    private static let minute: Int64 = 60_000_000
    private static let fineSpan = TimeSpan.seconds(3_600)
    /// Where a model says nothing.
    private static let usualKeep = TimeSpan.seconds(366 * 86_400)

    fileprivate func add(_ rows: Double, _ key: Refusals.Key) throws {
        try db.execute(
            sql: """
                INSERT INTO served_refused VALUES (?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET rows = rows + excluded.rows
                """,
            arguments: [key.name.project.text, key.name.model.text, key.version, key.at, rows]
        )
    }

    /// Adds seconds up to minutes, and takes what was kept long enough.
    func tidyRefusals(at now: Timestamp) throws {
        let before = (now - Self.fineSpan).microseconds
        let bound = before - before % Self.minute
        try db.execute(
            sql: """
                INSERT INTO served_refused
                SELECT project, model, version, at - at % \(Self.minute), SUM(rows)
                FROM served_refused WHERE at < ? AND at % \(Self.minute) <> 0 GROUP BY 1, 2, 3, 4
                ON CONFLICT DO UPDATE SET rows = rows + excluded.rows
                """,
            arguments: [bound]
        )
        try db.execute(
            sql: "DELETE FROM served_refused WHERE at < ? AND at % \(Self.minute) <> 0",
            arguments: [bound]
        )
        try db.execute(
            sql: """
                DELETE FROM served_refused WHERE at < ? - COALESCE(
                    (SELECT keep FROM served_model WHERE served_model.project = served_refused.project
                        AND served_model.model = served_refused.model), ?)
                """,
            arguments: [now.microseconds, Self.usualKeep.microseconds]
        )
    }
}
