import Domain
import Online
import TestSupport
import Testing

/// A read takes no memory from the heap for a row.
struct AllocationTests {
    @Test func `the counter counts`() {
        let count = allocations {
            for size in 1...100 {
                let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 8)
                memory.deallocate()
            }
        }
        #expect(count >= 100)
    }

    /// The cache gives way to others every few hundred rows, which may cost some in a debug build.
    @Test func `two thousand more rows take no allocation a row, nor one for twenty`() throws {
        let fixture = try OnlineFixture(cacheBytes: 64 << 20)
        let types: [ValueType] = [
            .float64, .int64, .string, .bool, .fixedList(.float32, length: 8),
        ]
        let features = types.enumerated().map { (UInt32($0.offset), "f\($0.offset)", $0.element) }
        let views = [1, 2].map { id in
            Fixtures.view(
                id: id,
                name: "v\(id)",
                keys: [("id", .int64)],
                features: features
            )
        }
        let keys = (0..<1_000).map { Int64($0) }
        for view in views {
            try fixture.push(
                try Fixtures.rows(
                    view,
                    keys: [keys.map { .int64($0) }],
                    events: keys.map { _ in 1 },
                    features: [
                        keys.map { $0 % 7 == 0 ? .null : .float64(Double($0)) },
                        keys.map { .int64($0) }, keys.map { .string("text \($0)") },
                        keys.map { .bool($0 % 2 == 0) },
                        keys.map { .list(Array(repeating: .float32(Float($0)), count: 8)) },
                    ]
                ),
                to: view
            )
        }
        let plan = ReadPlan(Fixtures.plan(views.map { Fixtures.part($0) }))
        let lane = ReadLane(fixture.store)
        let target = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { target.deallocate() }
        func read(_ count: Int) throws -> Int {
            // Some keys have no row; what the cache did not know of them it knows after one read.
            let asked = try Column(.int64, (0..<count).map { .int64(Int64($0 * 3 % 1_200)) })
            func once() throws {
                _ = try lane.find(
                    plan,
                    keys: [asked],
                    rows: 0..<count,
                    now: Timestamp(microseconds: 5),
                    tier: .disk
                )
                let bytes = try lane.measure(plan, carried: [])
                lane.write(plan, into: .init(rebasing: target[..<bytes]))
            }
            try once()
            let misses = fixture.store.cache.figures.misses
            defer { #expect(fixture.store.cache.figures.misses == misses) }
            return try allocations { try once() }
        }
        _ = try read(1_000)
        let few = try read(10)
        let many = try read(1_000)
        #expect(many - few < 100, "10 rows: \(few), 1,000 rows: \(many)")
    }
}
