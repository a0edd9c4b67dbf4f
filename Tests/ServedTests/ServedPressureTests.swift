import Domain
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
