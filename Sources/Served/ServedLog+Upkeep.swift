import Codec
package import Domain
import Foundation
import Offline
import Profiles
import Synchronization
import GRDB

extension ServedLog {
    private static let mergedSegments = 16
    private static let mergedRows = 131_072
    private static let mergedBytes = 6 << 20
    /// Of a merged segment in memory: what is stored of texts that repeat says little of it.
    private static let mergedMemory = 32 << 20
    private static let retentionPause: Int64 = 60_000_000

    /// Merges segments, where a model has many small ones, and takes what was kept long enough; false
    /// where there is nothing to do.
    ///
    /// What fails is tried again with the next look.
    ///
    /// Who logs values waits for this thread while holding the turn: it is not waited for.
    func upkeep() -> Bool {
        guard turn.try() else { return false }
        defer { turn.unlock() }
        let moment = now().microseconds
        let isDue = lastRetention.withLock { last in
            guard moment - last >= Self.retentionPause else { return false }
            last = moment
            return true
        }
        if isDue { _ = try? retireInTurn() }
        guard hasNewSegments.exchange(false, ordering: .relaxed) else { return false }
        let hasMerged = (try? mergeInTurn()) ?? false
        if hasMerged { hasNewSegments.store(true, ordering: .relaxed) }
        return hasMerged
    }

    /// Merges one run of segments of a model, version and kind.
    func mergeOnce() throws(AlulaError) -> Bool {
        turn.lock()
        defer { turn.unlock() }
        return try mergeInTurn()
    }

    private func mergeInTurn() throws(AlulaError) -> Bool {
        guard
            let run = try offline.readBeside({ try ServedFile($0).mergeable(Self.mergedSegments) })
        else { return false }
        var segments: [ServedSegment] = []
        var (rows, bytes) = (0, 0)
        for segment in run {
            rows += segment.rows
            bytes += segment.bytes
            if rows > Self.mergedRows || bytes > Self.mergedBytes { break }
            segments.append(segment)
        }
        let merged = segments
        guard let level = run.map(\.level).max(), merged.count > 1 else {
            // It is large enough as it is.
            try offline.writeBeside { try ServedFile($0).raise(run[0]) }
            return true
        }
        let done: Void? = try readers.replacing { () throws(AlulaError) in
            var tables: [ServedTable] = []
            var held = 0
            for segment in merged {
                let table = try offline.readBeside { try ServedFile($0).table(segment) }
                held += table.columns.reduce(0) { $0 + $1.values.count + 4 * $1.offsets.count }
                if held > Self.mergedMemory, !tables.isEmpty { break }
                tables.append(table)
            }
            guard tables.count > 1 else {
                return try offline.writeBeside { try ServedFile($0).raise(merged[0]) }
            }
            let taken = merged[..<tables.count]
            let table = ServedTable.joined(tables).sorted()
            try offline.writeBeside { db in
                let file = ServedFile(db)
                for segment in taken { try file.delete(segment.id) }
                try file.insert(
                    table,
                    merged[0].name,
                    merged[0].kind,
                    version: merged[0].version,
                    service: merged[0].service,
                    level: level + 1
                )
            }
        }
        return done != nil
    }

    /// Takes what is older than its model keeps; answers how many rows went.
    @discardableResult
    package func retire() throws(AlulaError) -> Int {
        turn.lock()
        defer { turn.unlock() }
        return try retireInTurn()
    }

    private func retireInTurn() throws(AlulaError) -> Int {
        let now = now()
        let old = try offline.readBeside { db in
            let file = ServedFile(db)
            var old: [(segment: ServedSegment, before: Int64)] = []
            for setting in try file.settings() {
                guard let keep = setting.keep else { continue }
                let profiled = try ProfileFile(db).cursor(setting.name.profiles)?.start
                for kind in [ServedKind.vectors] + ServedKind.values {
                    var before = (now - keep).microseconds
                    // No row goes before it is in the profile of its hour.
                    if kind == .vectors, let profiled {
                        before = min(before, profiled.microseconds)
                    }
                    for segment in try file.segments(of: setting.name, kind, through: before)
                    // Of one that reaches across the bound so much that it is worth writing it anew.
                    where segment.last < before
                        || segment.first < before - keep.microseconds / 8
                    {
                        old.append((segment, before))
                    }
                }
            }
            return old
        }
        var gone = 0
        for (listed, before) in old {
            gone += try offline.writeBeside { db in
                let file = ServedFile(db)
                guard let segment = try file.segment(listed.id) else { return 0 }
                let table = try segment.last < before ? nil : file.table(segment)
                let rest = table.map { table in
                    let stamps = table.stamps
                    return table.taking(
                        (0..<Int32(table.rows)).filter { stamps[Int($0)] >= before }
                    )
                }
                if let rest {
                    try file.replace(segment.id, by: rest)
                } else {
                    try file.delete(segment.id)
                }
                let count = segment.rows - (rest?.rows ?? 0)
                guard segment.kind == .vectors else { return count }
                let profiles = ProfileFile(db)
                let end = Timestamp(microseconds: min(segment.last + 1, before))
                for hour in try profiles.hours(segment.name.profiles, before: end) {
                    try profiles.coarsen(hour)
                }
                return count
            }
        }
        try offline.writeBeside { db in
            let file = ServedFile(db)
            try file.dropAnswers(before: now - Limits.requestIdLife)
            try file.tidyRefusals(at: now)
        }
        return gone
    }
}

extension ServedFile {
    /// Segments of one group and level, where there are many, the oldest first; nil where there are
    /// none to merge.
    fileprivate func mergeable(_ count: Int) throws -> [ServedSegment]? {
        let group = try Row.fetchOne(
            db,
            sql: """
                SELECT project, model, kind, version, service, level, layout FROM served_segment
                WHERE level < 100
                GROUP BY project, model, kind, version, service, level, layout
                HAVING COUNT(*) >= ? LIMIT 1
                """,
            arguments: [count]
        )
        guard let group else { return nil }
        let name = ServedModel.Name(
            try ProjectName(group["project"], as: "project"),
            try RegisteredModelName(group["model"], as: "model")
        )
        let kind = ServedKind(rawValue: group["kind"]) ?? .vectors
        let layout = try ServedLayout(text: group["layout"])
        return try segments(of: name, kind).filter {
            $0.version == group["version"] as UInt32 && $0.service == group["service"] as String
                && $0.level == group["level"] as Int && $0.layout == layout
        }
    }

    /// Takes a segment out of what is merged.
    fileprivate func raise(_ segment: ServedSegment) throws {
        try db.execute(
            sql: "UPDATE served_segment SET level = 100 WHERE id = ?",
            arguments: [segment.id]
        )
    }
}
