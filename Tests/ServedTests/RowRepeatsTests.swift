import Codec
import Domain
import Foundation
import GRDB
import Offline
import TestSupport
import Testing

@testable import Served

/// What is stored once for many rows reads as if each row's were stored.
struct RowRepeatsTests {
    private static let layout = """
        stamp\t\tint64\t
        rest\t\tint64\t
        key\tk\tint64\t
        key\ts\tstring\t
        feature\tf\tfloat64\tv
        feature\tg\tint32\tv
        feature\tb\tbool\tv
        feature\te\tfloat32[2]\tv
        feature\tl\tint64[]\tv
        feature\tt\tstring[]\tv
        request\tamount\tfloat64\t
        status\tv\tint32\t
        event\tv\ttimestamp\t
        """

    /// A value of the type; the pool is small, so that rows are alike.
    private static func value(_ type: ValueType, _ random: inout SeededRandom) -> FeatureValue {
        if random.chance(0.1) { return .null }
        let pick = Int.random(in: 0..<3, using: &random)
        return switch type {
        case .scalar(.float64): .float64([0.0, -0.0, .nan][pick])
        case .scalar(.int32): .int32(Int32(pick))
        case .scalar(.bool): .bool(pick > 0)
        case .scalar(.string): .string(["", "a", "anna"][pick])
        case .scalar(.timestamp): .timestamp(Timestamp(microseconds: Int64(pick)))
        case .fixedList: .list([.float32(Float(pick)), .float32([0.0, -0.0, 1][pick])])
        case .list(.string):
            .list([[.string("ab"), .string("c")], [.string("a"), .string("bc")], []][pick])
        case .list: .list((0..<pick).map { .int64(Int64($0)) })
        case .scalar: .int64(Int64(pick))
        }
    }

    private static func table(_ seed: UInt64) throws -> ServedTable {
        var random = SeededRandom(seed: seed)
        let layout = try ServedLayout(text: layout)
        let rows = Int.random(in: 1...400, using: &random)
        let pool = (0..<Int.random(in: 1...40, using: &random)).map { _ in
            layout.entries.map { entry in
                while true {
                    let drawn = Self.value(entry.type, &random)
                    if entry.content != .key || drawn != .null { return drawn }
                }
            }
        }
        let drawn = (0..<rows).map { _ in pool[Int.random(in: pool.indices, using: &random)] }
        // Some rows have the keys and times of another one, and not all of its values.
        let oddShare = random.chance(0.5) ? 0.01 : 0
        let columns = try layout.entries.enumerated().map { index, entry -> Domain.Column in
            switch entry.content {
            case .stamp: return Domain.Column(int64s: (0..<rows).map { Int64($0) })
            case .rest: return Domain.Column(int64s: (0..<rows).map { Int64($0 * 7) })
            case .request:
                return try Domain.Column(entry.type, (0..<rows).map { .float64(Double($0)) })
            default:
                return try Domain.Column(
                    entry.type,
                    drawn.map { row in
                        entry.content == .feature && random.chance(oddShare)
                            ? Self.value(entry.type, &random) : row[index]
                    }
                )
            }
        }
        return ServedTable(layout: layout, columns: columns, rows: rows)
    }

    @Test func `a segment reads bit by bit as it was written, whatever repeats`() throws {
        let world = try World()
        var repeated = 0
        for seed in 1...150 as ClosedRange<UInt64> {
            let table = try Self.table(seed)
            let (back, distinct) = try world.offline.writeBeside { db in
                let file = ServedFile(db)
                try file.insert(table, world.name, .vectors)
                let segment = try #require(try file.segments(of: world.name, .vectors).last)
                let some = try file.columns([4, 0, 10], of: segment)
                #expect(BlockCodec.encode(some[0]) == BlockCodec.encode(table.columns[4]))
                #expect(BlockCodec.encode(some[2]) == BlockCodec.encode(table.columns[10]))
                let back = try file.table(segment)
                try file.delete(segment.id)
                return (back, segment.distinctRows)
            }
            repeated += distinct == nil ? 0 : 1
            if let distinct { #expect(2 * distinct <= table.rows) }
            for (index, column) in table.columns.enumerated() {
                let isSame = BlockCodec.encode(column) == BlockCodec.encode(back.columns[index])
                #expect(isSame, "seed \(seed), column \(index)")
            }
        }
        #expect(repeated > 50 && repeated < 150)
    }

    @Test func `an entity served a hundred times takes the room of one`() throws {
        let world = try World()
        let shape = try world.shape()
        for _ in 0..<100 { try world.serve([ServedLogTests.anna], at: 2_000_000, shape) }
        try world.log.flush()
        while try world.log.mergeOnce() {}
        let segments = try world.offline.readBeside {
            try ServedFile($0).segments(of: world.name, .vectors)
        }
        #expect(segments.map(\.rows).reduce(0, +) == 100)
        #expect(segments.contains { $0.distinctRows == 1 })
        var read = 0
        try ServedScan(world.log).scan(model: world.name) { batch in
            for row in 0..<batch.rowCount {
                #expect(batch["zip"]?.load(row, as: Int64.self) == ServedLogTests.anna.zip)
            }
            read += batch.rowCount
        }
        #expect(read == 100)
    }

    @Test func `rows that name a vector beyond those stored are found as damage`() throws {
        let world = try World()
        for _ in 0..<100 { try world.serve([ServedLogTests.anna], at: 2_000_000) }
        try world.log.flush()
        while try world.log.mergeOnce() {}
        // Its checksum is right: only what it says is wrong.
        try world.offline.writeBeside { db in
            let segment = try #require(
                try ServedFile(db).segments(of: world.name, .vectors).first { $0.distinctRows == 1 }
            )
            let wrong = BlockCodec.encode(
                Domain.Column(int64s: [Int64](repeating: 1, count: segment.rows))
            )
            try db.execute(
                sql: "UPDATE served_block SET bytes = ? WHERE number = ?",
                arguments: [
                    Data(wrong),
                    segment.id * ServedFile.mostColumns + Int64(segment.layout.entries.count),
                ]
            )
        }
        let check = try world.log.verify(isCancelled: { false }, progress: { _, _ in })
        #expect(check.problems.contains { $0.contains("of a vector beyond its 1") })
        #expect(throws: AlulaError.self) { try world.scan() }
    }
}
