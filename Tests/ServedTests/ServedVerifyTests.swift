import Codec
import Domain
import Foundation
import GRDB
import Offline
import TestSupport
import Testing

@testable import Served

/// Each way to damage the prediction log is found, and what is whole is found whole.
struct ServedVerifyTests {
    private func filled() throws -> World {
        let world = try World()
        var ids: [PredictionID] = []
        for read in 0..<3 as Range<Int64> {
            ids += try world.serve(
                [ServedLogTests.anna, ServedLogTests.nobody],
                at: 2_000_000 + read
            )
        }
        _ = try world.log(ids, predictions: ids.indices.map(Double.init))
        _ = try world.log(ids, outcomes: ids.map { _ in 1 })
        _ = try world.log([ids[0], ids[0]], outcomes: [0, 0.5])
        return world
    }

    private func check(_ world: World) throws -> ServedCheck {
        try world.log.verify(isCancelled: { false }, progress: { _, _ in })
    }

    @Test func `a whole log is found whole, merged too`() throws {
        let world = try filled()
        let check = try check(world)
        #expect(check.problems == [])
        #expect(check.rows == 6 + 6 + 8)
        #expect(check.blocks > 20)
        for _ in 0..<40 {
            try world.serve([ServedLogTests.anna], at: 3_000_000)
            try world.log.flush()
        }
        while try world.log.mergeOnce() {}
        #expect(try self.check(world).problems == [])
    }

    @Test func `a changed byte of any column is found, whichever it is`() throws {
        let world = try filled()
        let blocks = try world.offline.readBeside { db in
            try Row.fetchAll(db, sql: "SELECT number, bytes FROM served_block ORDER BY number")
                .map { (number: $0[0] as Int64, bytes: [UInt8]($0[1] as Data)) }
        }
        var random = SeededRandom(seed: 77)
        for block in blocks {
            for _ in 0..<3 {
                var bytes = block.bytes
                let place = Int.random(in: bytes.indices, using: &random)
                bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                try put(bytes, block.number, world)
                let check = try check(world)
                #expect(check.problemCount > 0, "block \(block.number), byte \(place)")
            }
            try put(block.bytes, block.number, world)
        }
        #expect(try check(world).problems == [])
    }

    private func put(_ bytes: [UInt8], _ number: Int64, _ world: World) throws {
        try world.offline.writeBeside { db in
            try db.execute(
                sql: "UPDATE served_block SET bytes = ? WHERE number = ?",
                arguments: [Data(bytes), number]
            )
        }
    }

    @Test(arguments: [
        ("DELETE FROM served_block WHERE number % 8192 = 4", "columns"),
        ("INSERT INTO served_block VALUES (9999 * 8192, x'00')", "of no segment"),
        ("UPDATE served_segment SET rows = rows + 1", "column 0"),
        ("UPDATE served_segment SET bytes = bytes + 1", "bytes"),
        ("UPDATE served_segment SET first = first - 1", "another span of time"),
        ("UPDATE served_segment SET last = last + 1", "another span of time"),
        ("UPDATE served_segment SET version = 9 WHERE kind = 0", "ids are of no vector"),
        ("UPDATE served_segment SET kind = 1 WHERE kind = 2", "out of order, or twice"),
        ("UPDATE served_segment SET layout = 'nonsense'", "cannot be read"),
    ])
    func `what does not fit together is told`(sql: String, problem: String) throws {
        let world = try filled()
        try world.offline.writeBeside { try $0.execute(sql: sql) }
        let check = try check(world)
        #expect(check.problems.contains { $0.contains(problem) }, "\(check.problems)")
    }

    @Test func `rows in another order are found, though every checksum is right`() throws {
        let world = try filled()
        try world.offline.writeBeside { db in
            let file = ServedFile(db)
            let segment = try #require(try file.segments(of: world.name, .vectors).first)
            let table = try file.table(segment)
            let turned = Array((0..<Int32(table.rows)).reversed())
            try file.replace(segment.id, by: table.taking(turned))
        }
        #expect(try check(world).problems.contains { $0.contains("out of order") })
    }
}
