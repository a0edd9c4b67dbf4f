import Codec
package import Domain
import Foundation
import GRDB
import Offline
import Synchronization

/// How much the log of a model holds.
package struct ServedSummary: Sendable, Hashable {
    package var settings: ServedSettings
    package var vectors: UInt64 = 0
    package var predictions: UInt64 = 0
    package var outcomes: UInt64 = 0
    package var failures: UInt64 = 0
    package var bytes: UInt64 = 0
    /// When the first and the last of its vectors were served.
    package var oldest: Timestamp?
    package var newest: Timestamp?
    package var versions: [UInt32] = []
}

extension ServedLog {
    /// The longest that a model may say.
    package static let longestKeep = TimeSpan.seconds(100 * 366 * 86_400)

    /// Sets what share of keys is kept, and for how long; nil is all, and for ever.
    package func set(
        rate: Double?,
        keep: TimeSpan?,
        of name: ServedModel.Name
    ) throws(AlulaError) {
        try Self.check(rate: rate, keep: keep)
        turn.lock()
        defer { turn.unlock() }
        try offline.writeBeside { try ServedFile($0).set(rate: rate, keep: keep, of: name) }
        model(name).set(rate: rate ?? 1)
        lastRetention.withLock { $0 = 0 }
    }

    /// Throws where it cannot be set.
    package static func check(rate: Double?, keep: TimeSpan?) throws(AlulaError) {
        if let rate, !(rate >= 0 && rate <= 1) {
            throw .invalid("the rate of a log is a share from 0 to 1: found \(rate)")
        }
        if let keep, keep.microseconds <= 0 || keep > longestKeep {
            throw .invalid("a log is kept for more than 0 s and at most 100 years")
        }
    }

    /// Of the models of a project that have a log or settings, or of one.
    package func summaries(
        _ project: ProjectName,
        model: RegisteredModelName? = nil
    ) throws(AlulaError) -> [ServedSummary] {
        try flush()
        return try offline.readBeside { db in
            var found: [RegisteredModelName: ServedSummary] = [:]
            func summary(_ name: RegisteredModelName) -> ServedSummary {
                found[name]
                    ?? ServedSummary(settings: ServedSettings(name: .init(project, name)))
            }
            for settings in try ServedFile(db).settings() where settings.name.project == project {
                found[settings.name.model] = ServedSummary(settings: settings)
            }
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT model, kind, version, SUM(rows), SUM(bytes), MIN(first), MAX(last)
                    FROM served_segment WHERE project = ? GROUP BY model, kind, version
                    ORDER BY model, kind, version
                    """,
                arguments: [project.text]
            )
            for row in rows {
                let name = try RegisteredModelName(row[0], as: "model")
                var sum = summary(name)
                let count = UInt64(row[3] as Int64)
                sum.bytes += UInt64(row[4] as Int64)
                switch ServedKind(rawValue: row[1]) {
                case .predictions: sum.predictions += count
                case .outcomes: sum.outcomes += count
                case .failures: sum.failures += count
                case .vectors, nil:
                    sum.vectors += count
                    sum.versions.append(row[2])
                    let first = Timestamp(microseconds: row[5])
                    let last = Timestamp(microseconds: row[6])
                    sum.oldest = min(sum.oldest ?? first, first)
                    sum.newest = max(sum.newest ?? last, last)
                }
                found[name] = sum
            }
            return found.values.filter { model == nil || $0.settings.name.model == model }
                .sorted { $0.settings.name.model < $1.settings.name.model }
        }
    }
}
