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
            var old: [ServedSegment] = []
            for setting in try file.settings() {
                guard let keep = setting.keep else { continue }
                let profiled = try ProfileFile(db).cursor(setting.name.profiles)?.start
                for kind in [ServedKind.vectors, .predictions, .outcomes] {
                    var before = (now - keep).microseconds
                    // No row goes before it is in the profile of its hour.
                    if kind == .vectors, let profiled {
                        before = min(before, profiled.microseconds)
                    }
                    for segment in try file.segments(of: setting.name, kind, through: before)
                    where segment.last < before {
                        old.append(segment)
                    }
                }
            }
            return old
        }
        for segment in old {
            try offline.writeBeside { db in
                try ServedFile(db).delete(segment.id)
                guard segment.kind == .vectors else { return }
                let profiles = ProfileFile(db)
                let end = Timestamp(microseconds: segment.last + 1)
                for hour in try profiles.hours(segment.name.profiles, before: end) {
                    try profiles.coarsen(hour)
                }
            }
        }
        try offline.writeBeside {
            try ServedFile($0).dropAnswers(before: now - Limits.requestIdLife)
        }
        return old.reduce(0) { $0 + $1.rows }
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

// MARK: - Deletion

extension ServedLog {
    /// How many vectors hold the key, of any model.
    package func count(_ entity: EntityID, key: [UInt8]) throws(AlulaError) -> UInt64 {
        try flush()
        let pass = ScanPass(readers)
        defer { withExtendedLifetime(pass) {} }
        var count = 0
        for listed in try segments(holding: entity) {
            count += try offline.readBeside { db in
                // It may have lost rows, or have gone, since it was listed.
                guard let segment = try ServedFile(db).segment(listed.id) else { return 0 }
                return try rows(of: segment, in: db, entity, key)?.rows.count ?? 0
            }
        }
        return UInt64(count)
    }

    /// Every key of an entity that the log holds, in canonical bytes, as often as it does.
    package func forEachKey(
        of entity: EntityID,
        _ body: ([UInt8]) -> Void
    ) throws(AlulaError) {
        try flush()
        let pass = ScanPass(readers)
        defer { withExtendedLifetime(pass) {} }
        for listed in try segments(holding: entity) {
            try offline.readBeside { db in
                let file = ServedFile(db)
                guard let segment = try file.segment(listed.id) else { return }
                for keys in segment.layout.entities where keys.entity == entity.number {
                    let places = keys.columns.compactMap { segment.layout.index(.key, $0) }
                    let columns = try file.columns(places, of: segment)
                    for row in 0..<segment.rows { body(KeyCodec.encode(columns, row: row)) }
                }
            }
        }
    }

    /// Takes the vectors of a key out of the file, with their predictions and outcomes; what was
    /// served before the call is gone from every answer when it returns.
    package func erase(_ entity: EntityID, key: [UInt8]) throws(AlulaError) {
        try flush()
        turn.lock()
        defer { turn.unlock() }
        var gone: [ServedModel.Name: Set<PredictionID>] = [:]
        var vectors: [Int64] = []
        for segment in try segments(holding: entity) {
            let found = try offline.readBeside { try rows(of: segment, in: $0, entity, key) }
            guard let found else { continue }
            vectors.append(segment.id)
            for id in found.ids { gone[segment.name, default: []].insert(id) }
        }
        // First what only the ids lead to: cut short, it is done again.
        for (name, ids) in gone {
            for kind in [ServedKind.predictions, .outcomes] {
                try erase(ids, kind, of: name)
            }
        }
        for id in vectors {
            try offline.eraseBeside { db in
                let file = ServedFile(db)
                guard let segment = try file.segment(id),
                    let found = try rows(of: segment, in: db, entity, key)
                else { return }
                // What few rows had is gone from their hours with them.
                let profiles = ProfileFile(db)
                try profiles.countTouch()
                for hour in try profiles.hours(segment.name.profiles)
                where found.ids.contains(where: { hour.contains($0.served) }) {
                    try profiles.touch(hour)
                }
                let taken = Set(found.rows)
                let rest = (0..<Int32(segment.rows)).filter { !taken.contains($0) }
                try file.replace(id, by: try file.table(segment).taking(rest))
            }
        }
    }

    private func segments(holding entity: EntityID) throws(AlulaError) -> [ServedSegment] {
        try offline.readBeside { db in
            let file = ServedFile(db)
            let ids = try Int64.fetchAll(
                db,
                sql: "SELECT id FROM served_segment WHERE kind = 0 ORDER BY id"
            )
            return try ids.compactMap { try file.segment($0) }.filter { segment in
                segment.layout.entities.contains { $0.entity == entity.number }
            }
        }
    }

    /// Nil where no row holds the key.
    private func rows(
        of segment: ServedSegment,
        in db: Database,
        _ entity: EntityID,
        _ key: [UInt8]
    ) throws -> (rows: [Int32], ids: [PredictionID])? {
        let file = ServedFile(db)
        var rows = Set<Int32>()
        for keys in segment.layout.entities where keys.entity == entity.number {
            let places = keys.columns.compactMap { segment.layout.index(.key, $0) }
            let columns = try file.columns(places, of: segment)
            for row in 0..<segment.rows where KeyCodec.encode(columns, row: row) == key {
                rows.insert(Int32(row))
            }
        }
        guard !rows.isEmpty else { return nil }
        let ids = try file.columns([0, 1], of: segment)
        let (stamps, rests) = (ids[0].int64s, ids[1].int64s)
        return (
            rows.sorted(),
            rows.map { PredictionID(stamp: stamps[Int($0)], rest: rests[Int($0)]) }
        )
    }

    private func erase(
        _ ids: Set<PredictionID>,
        _ kind: ServedKind,
        of name: ServedModel.Name
    ) throws(AlulaError) {
        guard let first = ids.map(\.stamp).min(), let last = ids.map(\.stamp).max() else { return }
        let segments = try offline.readBeside {
            try ServedFile($0).segments(of: name, kind, from: first, through: last)
        }
        for segment in segments {
            let table = try offline.readBeside { try ServedFile($0).table(segment) }
            let (stamps, rests) = (table.stamps, table.rests)
            let rest = (0..<Int32(table.rows)).filter { row in
                let id = PredictionID(stamp: stamps[Int(row)], rest: rests[Int(row)])
                return !ids.contains(id)
            }
            guard rest.count < table.rows else { continue }
            try offline.eraseBeside { db in
                try ServedFile(db).replace(segment.id, by: table.taking(rest))
            }
        }
    }
}
