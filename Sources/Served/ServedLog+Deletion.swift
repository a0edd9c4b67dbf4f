import Codec
package import Domain
import Foundation
import GRDB
import Offline
import Profiles

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
            for kind in ServedKind.values {
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
