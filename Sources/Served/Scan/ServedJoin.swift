import Codec
import Domain
import Foundation
import Offline

/// Joins predictions, failures and outcomes with the vectors of their ids, segment by segment.
struct ServedJoin {
    struct Types: Sendable {
        var prediction: ValueType
        var outcome: ValueType
    }

    struct Joined {
        var prediction: Column
        var failure: Column
        var outcome: Column
        var outcomeTime: Column
    }

    /// A segment of predictions, failures or outcomes, read.
    private struct Values {
        var ids: SegmentIDs
        var values: Column
        /// Of outcomes.
        var times: [Int64]
        var recorded: [Int64]
    }

    /// The newest so far of each row of the vectors.
    private struct Best {
        var segment: Int32 = -1
        var row: Int32 = 0
        var time = Int64.min
        var recorded = Int64.min
    }

    private let query: ServedQuery
    private let log: ServedLog
    private let types: Types
    private var read: [Int64: Values] = [:]
    private var readBytes = 0

    private static let mostBytes = 192 << 20

    init(_ query: ServedQuery, _ log: ServedLog, _ types: Types) {
        self.query = query
        self.log = log
        self.types = types
    }

    /// For each row of the vectors, which ascend.
    mutating func columns(for table: ServedTable) throws(AlulaError) -> Joined {
        let (stamps, rests) = (table.stamps, table.rests)
        let (prediction, _) = try newest(.predictions, stamps, rests, types.prediction)
        let (failure, _) = try newest(.failures, stamps, rests, .string)
        let (outcome, times) = try newest(.outcomes, stamps, rests, types.outcome)
        return Joined(
            prediction: prediction,
            failure: failure,
            outcome: outcome,
            outcomeTime: times
        )
    }

    private mutating func newest(
        _ kind: ServedKind,
        _ stamps: [Int64],
        _ rests: [Int64],
        _ type: ValueType
    ) throws(AlulaError) -> (values: Column, times: Column) {
        let rows = stamps.count
        guard let first = stamps.first, let last = stamps.last else {
            return (ColumnBuilder(type).finish(), ColumnBuilder(.timestamp).finish())
        }
        let segments = try log.offline.readBeside { [query] db in
            try ServedFile(db).segments(of: query.model, kind, from: first, through: last)
        }
        // What was logged first after the scan began is not of it.
        .filter { $0.layout.entries[2].type == type }
        var best = [Best](repeating: Best(), count: rows)
        // Of each segment only what is joined is held.
        var sources: [Column] = []
        for segment in segments {
            guard let values = try values(of: segment) else { continue }
            let number = Int32(sources.count)
            let rows = Self.merge(values, number, stamps, rests, query.asKnown, into: &best)
            sources.append(values.values.taking(rows[...]))
        }
        var values = ColumnBuilder(type, reservingRows: rows)
        var times = ColumnBuilder(.timestamp, reservingRows: rows)
        for found in best {
            guard found.segment >= 0 else {
                values.appendNull()
                times.appendNull()
                continue
            }
            values.append(row: Int(found.row), of: sources[Int(found.segment)])
            times.append(fixed: found.time)
        }
        return (values.finish(), times.finish())
    }

    /// Answers the rows that were joined; `Best.row` is a place among them.
    private static func merge(
        _ values: Values,
        _ number: Int32,
        _ stamps: [Int64],
        _ rests: [Int64],
        _ asKnown: Timestamp?,
        into best: inout [Best]
    ) -> [Int32] {
        var joined: [Int32] = []
        let known = asKnown?.microseconds ?? .max
        let vectors = SegmentIDs(stamps: stamps, rests: rests)
        let (from, to) = (stamps[0], stamps[stamps.count - 1])
        var row = values.ids.firstRow(from, .min)
        var vector = 0
        let count = values.ids.stamps.count
        while row < count, values.ids.stamps[row] <= to {
            let id = (values.ids.stamps[row], values.ids.rests[row])
            if stamps[vector] < id.0, stamps.count - vector > 64 * (count - row) {
                vector = max(vector, vectors.firstRow(id.0, id.1))
            }
            while vector < stamps.count, (stamps[vector], rests[vector]) < id { vector += 1 }
            if vector == stamps.count { break }
            if stamps[vector] == id.0, rests[vector] == id.1, values.recorded[row] <= known {
                let old = (best[vector].time, best[vector].recorded)
                if (values.times[row], values.recorded[row]) >= old || best[vector].segment < 0 {
                    best[vector] = Best(
                        segment: number,
                        row: Int32(joined.count),
                        time: values.times[row],
                        recorded: values.recorded[row]
                    )
                    joined.append(Int32(row))
                }
            }
            row += 1
        }
        return joined
    }

    /// Nil where it has gone since it was listed.
    private mutating func values(of listed: ServedSegment) throws(AlulaError) -> Values? {
        if let known = read[listed.id] { return known }
        let found = try log.offline.readBeside { db -> (ServedSegment, ServedTable)? in
            let file = ServedFile(db)
            guard let segment = try file.segment(listed.id) else { return nil }
            return (segment, try file.table(segment))
        }
        guard let (segment, table) = found else { return nil }
        let isOutcome = segment.kind == .outcomes
        let recorded = table.columns[isOutcome ? 4 : 3].int64s
        let values = Values(
            ids: SegmentIDs(stamps: table.stamps, rests: table.rests),
            values: table.columns[2],
            times: isOutcome ? table.columns[3].int64s : recorded,
            recorded: recorded
        )
        readBytes += table.columns.reduce(0) { $0 + 2 * $1.values.count }
        if readBytes > Self.mostBytes {
            read = [:]
            readBytes = 0
        }
        read[listed.id] = values
        return values
    }
}
