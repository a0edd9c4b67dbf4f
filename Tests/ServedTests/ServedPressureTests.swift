import Domain
import GRDB
import Glibc
import Offline
import Synchronization
import TestSupport
import Testing

@testable import Served

struct ServedPressureTests {
    @Test func `what cannot be followed is shed, counted, and its ids say so`() throws {
        let world = try World(limit: 20_000, isStarted: false)
        let vectors = (0..<100).map { Vector(zip: Int64($0), person: "p", amount: 1) }
        var ids: [PredictionID] = []
        for round in 0..<20 { ids += try world.serve(vectors, at: 2_000_000 + Int64(round)) }
        let kept = ids.filter(\.isLogged).count
        #expect(kept > 0 && kept < ids.count && kept % 100 == 0)
        #expect(world.log.figures.shed.load(ordering: .relaxed) == ids.count - kept)
        #expect(world.log.waiting > 20_000)
        world.log.start()
        #expect(Set(try world.scan().keys) == Set(ids.filter(\.isLogged)))
        #expect(world.log.waiting == 0)
        // There is room again.
        #expect(try world.serve(vectors, at: 3_000_000).allSatisfy(\.isLogged))
        let shed = ids.filter { !$0.isLogged }.prefix(2)
        let told = try world.log(Array(shed), outcomes: [1, 1])
        #expect(told == [.notLogged, .notLogged])
    }

    @Test func `after a failure in the middle each vector is there once`() throws {
        let world = try World(isStarted: false)
        let person = String(repeating: "p", count: 4_000)
        let vectors = (0..<100).map { Vector(zip: Int64($0), person: person, amount: 1) }
        var ids: [PredictionID] = []
        for round in 0..<25 { ids += try world.serve(vectors, at: 2_000_000 + Int64(round)) }
        try world.offline.writeBeside { db in
            try db.execute(
                sql: """
                    CREATE TRIGGER full BEFORE INSERT ON served_segment
                    WHEN (SELECT COUNT(*) FROM served_segment) >= 1
                    BEGIN SELECT RAISE(ABORT, 'the disk is full'); END
                    """
            )
        }
        world.log.start()
        #expect(throws: AlulaError.self) { try world.log.flush() }
        let kept = world.log.figures.kept.load(ordering: .relaxed)
        #expect(kept > 0 && kept < ids.count && world.log.waiting > 0)
        try world.offline.writeBeside { try $0.execute(sql: "DROP TRIGGER full") }
        // It tries again after a second.
        while (try? world.log.flush()) == nil { sched_yield() }
        #expect(Set(try world.scan().keys) == Set(ids))
        #expect(world.log.figures.kept.load(ordering: .relaxed) == ids.count)
        #expect(world.log.failure == nil)
    }

    @Test func `readers, loggers, scans and merges at once lose nothing and end`() async throws {
        let world = try World()
        let shape = try world.shape()
        let all = Collected()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for thread in 0..<3 {
                group.addTask { @Sendable in
                    for round in 0..<40 {
                        let vectors = (0..<5).map {
                            Vector(zip: Int64($0), person: "t\(thread)", amount: Double(round))
                        }
                        let ids = try world.serve(vectors, at: 2_000_000, shape)
                        all.add(ids)
                        world.now.set(90_000_000)
                        let told = try world.log(ids, outcomes: ids.map { _ in 1 })
                        #expect(told.allSatisfy { $0 == .accepted })
                    }
                }
            }
            group.addTask { @Sendable in for _ in 0..<20 { _ = try world.scan() } }
            group.addTask { @Sendable in for _ in 0..<60 { _ = try world.log.mergeOnce() } }
            try await group.waitForAll()
        }
        while try world.log.mergeOnce() {}
        let found = try world.scan()
        let ids = all.ids
        #expect(ids.count == 600 && Set(ids).count == 600)
        #expect(Set(found.keys) == Set(ids))
        #expect(found.values.allSatisfy { $0[ServedColumn.outcome] == .float64(1) })
    }
}

/// Ids of several threads.
private final class Collected: Sendable {
    private let all = Mutex<[PredictionID]>([])

    var ids: [PredictionID] { all.withLock { $0 } }

    func add(_ ids: [PredictionID]) { all.withLock { $0 += ids } }
}
