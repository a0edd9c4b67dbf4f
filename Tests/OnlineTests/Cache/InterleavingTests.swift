import Domain
import TestSupport
import Testing

@testable import Online

/// Readers, fillers and a writer of one key, stepped on one thread in every order of their points.
@Suite struct InterleavingTests {
    /// What RocksDB would hold, and the cache before it.
    private struct World {
        let fixture: CacheFixture
        let key: [UInt8]
        var stored: [UInt8]?
        var time: UInt64 = 0
        var history: RegisterHistory<[UInt8]?>

        init(_ fixture: CacheFixture, key: [UInt8], stored: [UInt8]?, isHeld: Bool) {
            self.fixture = fixture
            self.key = key
            self.stored = stored
            history = RegisterHistory(first: stored)
            if isHeld { fixture.fill(key, stored) }
        }
    }

    private protocol Actor {
        /// Does the next step; false at the end.
        mutating func step(_ world: inout World) -> Bool
    }

    /// begin, RocksDB, finish; for each of the writes in turn.
    private struct Writer: Actor {
        enum Outcome { case written, failed, failedBehindTheWrite }

        var writes: [([UInt8]?, Outcome)]
        private var point = 0
        private var open: CacheFixture.Write?
        private var began: UInt64 = 0

        init(_ writes: [([UInt8]?, Outcome)]) { self.writes = writes }

        mutating func step(_ world: inout World) -> Bool {
            guard point < 3 * writes.count else { return false }
            let (row, outcome) = writes[point / 3]
            switch point % 3 {
            case 0:
                began = world.time
                open = world.fixture.begin(world.key, row)
            case 1: if outcome != .failed { world.stored = row }
            default:
                if let open { world.fixture.finish(open, written: outcome == .written) }
                if outcome != .failed {
                    world.history.writes.append(.init(state: row, begin: began, end: world.time))
                }
            }
            point += 1
            return point < 3 * writes.count
        }
    }

    /// Cache; where it misses: ticket, RocksDB, settle.
    private struct Reader: Actor {
        enum Care {
            case careful
            /// Fills in under a ticket that came too late.
            case lateTicket
            /// Answers what RocksDB had, whatever the cache holds.
            case ownAnswer
        }

        var rounds: Int
        var care: Care
        private var point = 0
        private var began: UInt64 = 0
        private var ticket: RowCache.FillTicket?
        private var read: [UInt8]?

        init(rounds: Int = 1, _ care: Care = .careful) {
            self.rounds = rounds
            self.care = care
        }

        mutating func step(_ world: inout World) -> Bool {
            guard rounds > 0 else { return false }
            switch point {
            case 0:
                began = world.time
                switch world.fixture.look(world.key) {
                case .miss: point = 1
                case .absent: finish(nil, &world)
                case .row(let row): finish(row, &world)
                }
            case 1:
                ticket = world.fixture.cache.ticket()
                point = 2
            case 2:
                read = world.stored
                point = 3
            default:
                let late = care == .lateTicket ? world.fixture.cache.ticket() : nil
                if let ticket = late ?? ticket {
                    let settled = world.fixture.settle(world.key, read, ticket: ticket)
                    if care != .ownAnswer { read = settled }
                }
                point = 0
                finish(read, &world)
            }
            return rounds > 0
        }

        private mutating func finish(_ row: [UInt8]?, _ world: inout World) {
            world.history.reads.append(.init(state: row, begin: began, end: world.time))
            rounds -= 1
        }
    }

    /// Lets the key go, as room for others would.
    private struct Evictor: Actor {
        private var isDone = false

        init() {}

        mutating func step(_ world: inout World) -> Bool {
            world.fixture.evict(world.key)
            isDone = true
            return false
        }
    }

    /// Runs the actors in the order that `choose` gives, then reads twice; answers a contradiction.
    private func run(
        _ actors: [any Actor],
        in world: World,
        choose: (Int) -> Int
    ) -> String? {
        var world = world
        var running = actors
        var order = ""
        while !running.isEmpty {
            let index = choose(running.count)
            world.time += 1
            order += String("\(type(of: running[index]))".prefix(1))
            if !running[index].step(&world) { running.remove(at: index) }
        }
        for _ in 0..<2 {
            var last = Reader()
            repeat { world.time += 1 } while last.step(&world)
        }
        guard let contradiction = world.history.contradiction() else { return nil }
        return "\(order): \(contradiction)"
    }

    /// Every order of the actors' steps; answers how many there were, and the contradictions.
    ///
    /// Choices are counted up like the digits of a number whose bases are found on the way.
    private func exhaust(
        _ fixture: CacheFixture,
        stored: [UInt8]?,
        isHeld: Bool,
        _ actors: [any Actor]
    ) -> (orders: Int, contradictions: [String]) {
        var digits: [(value: Int, base: Int)] = []
        var contradictions: [String] = []
        var count = 0
        while true {
            var depth = 0
            let world = World(
                fixture,
                key: fixture.newKey(),
                stored: stored,
                isHeld: isHeld
            )
            let contradiction = run(actors, in: world) { base in
                if depth == digits.count { digits.append((0, base)) }
                // Whether there is room for a written row may differ from one run to the next.
                digits[depth] = (min(digits[depth].value, base - 1), base)
                defer { depth += 1 }
                return digits[depth].value
            }
            if let contradiction { contradictions.append(contradiction) }
            count += 1
            while let last = digits.last, last.value + 1 == last.base { digits.removeLast() }
            guard !digits.isEmpty else { return (count, contradictions) }
            digits[digits.count - 1].value += 1
        }
    }

    private static let old: [UInt8] = [1, 1, 1]
    private static let new: [UInt8] = [2, 2, 2, 2]

    @Test(arguments: [true, false], [true, false])
    func `in every order of two readers and a writer, reads are in one order with the writes`(
        isFull: Bool,
        isHeld: Bool
    ) throws {
        let fixture = try CacheFixture()
        if isFull { fixture.fillUp() }
        for row in [Self.new, nil] {
            let (orders, contradictions) = exhaust(
                fixture,
                stored: Self.old,
                isHeld: isHeld,
                [Writer([(row, .written)]), Reader(), Reader()]
            )
            #expect(orders > (isHeld ? 10 : 1_000))
            #expect(contradictions == [])
        }
    }

    @Test(arguments: [true, false])
    func `in every order of two reads and a write that fails, reads are of what is stored`(
        isHeld: Bool
    ) throws {
        let fixture = try CacheFixture()
        for row in [Self.new, nil] {
            for outcome in [Writer.Outcome.failed, .failedBehindTheWrite] {
                let (orders, contradictions) = exhaust(
                    fixture,
                    stored: Self.old,
                    isHeld: isHeld,
                    [Writer([(row, outcome)]), Reader(rounds: 2)]
                )
                #expect(orders > 5)
                #expect(contradictions == [])
            }
        }
    }

    @Test func `in every order of a reader, an eviction and two writes, reads stay in one order`()
        throws
    {
        let fixture = try CacheFixture()
        for isHeld in [true, false] {
            for rows in [[Self.new, nil], [nil, Self.new]] as [[[UInt8]?]] {
                let (orders, contradictions) = exhaust(
                    fixture,
                    stored: Self.old,
                    isHeld: isHeld,
                    [Writer(rows.map { ($0, .written) }), Reader(), Evictor()]
                )
                #expect(orders > 100)
                #expect(contradictions == [])
            }
        }
    }

    @Test func `a fill under a late ticket, and an answer past the cache, are found out`() throws {
        let fixture = try CacheFixture()
        fixture.fillUp()
        for (care, isFound) in [
            (Reader.Care.careful, false), (.lateTicket, true), (.ownAnswer, true),
        ] {
            var contradictions: Set<String> = []
            for seed in UInt64(0)..<2_000 {
                var numbers = SeededRandom(seed: seed)
                let actors: [any Actor] = [
                    Writer([(Self.new, .written)]), Reader(care), Reader(rounds: 2, care),
                ]
                let world = World(
                    fixture,
                    key: fixture.newKey(),
                    stored: Self.old,
                    isHeld: false
                )
                let found = run(actors, in: world) { Int(numbers.next() % UInt64($0)) }
                if let found { contradictions.insert(found) }
            }
            #expect(contradictions.isEmpty != isFound, "\(care)")
        }
    }

    @Test func `in random orders of many readers and writes, reads stay in one order`() throws {
        let fixture = try CacheFixture()
        fixture.fillUp()
        for seed in UInt64(0)..<3_000 {
            var numbers = SeededRandom(seed: seed)
            let writes = (0..<4).map { index -> ([UInt8]?, Writer.Outcome) in
                let row = numbers.next() % 3 == 0 ? nil : [UInt8(index), UInt8(seed & 0xFF), 9]
                return (row, numbers.next() % 5 == 0 ? .failed : .written)
            }
            let actors: [any Actor] =
                [Writer(writes), Evictor(), Evictor()]
                + (0..<3).map { _ in Reader(rounds: Int(numbers.next() % 3) + 1) }
            let world = World(
                fixture,
                key: fixture.newKey(),
                stored: numbers.next() % 2 == 0 ? nil : Self.old,
                isHeld: numbers.next() % 2 == 0
            )
            let contradiction = run(actors, in: world) { Int(numbers.next() % UInt64($0)) }
            #expect(contradiction == nil, "seed \(seed)")
        }
    }
}

extension CacheFixture {
    /// Lets what is held of a key go.
    fileprivate func evict(_ key: [UInt8], view: UInt32 = 1) {
        cache.gate.lock()
        key.withUnsafeBytes { bytes in
            cache.contents.pointee.drop(
                RowKey(
                    hash: cache.hasher.combined(hash(key), FeatureViewID(view)),
                    view: view,
                    bytes: bytes
                )
            )
        }
        cache.contents.pointee.flush()
        cache.gate.unlock()
    }
}
