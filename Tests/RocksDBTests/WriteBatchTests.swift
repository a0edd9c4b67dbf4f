import Domain
import RocksDB
import TestSupport
import Testing

struct WriteBatchTests {
    let directory: TemporaryDirectory
    let database: Database

    init() throws {
        directory = try TemporaryDirectory()
        database = try Database(path: directory.file("db"), cacheBytes: 8 << 20)
    }

    /// A key and a value of these sizes, unlike those of other numbers.
    private func pair(_ number: Int, key: Int, value: Int) -> (key: [UInt8], value: [UInt8]) {
        let bytes = { (count: Int) in
            (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) }
        }
        return (Array("\(number)/".utf8) + bytes(key), bytes(value))
    }

    @Test func `keys and values of every length come back`() throws {
        let sizes = [0, 1, 2, 100, 127, 128, 129, 5_000, 16_383, 16_384, 70_000, 2_100_000]
        let batch = WriteBatch(database)
        let pairs = sizes.enumerated().map { pair($0, key: min($1, 300), value: $1) }
        for pair in pairs { batch.put(.rows, pair.key, pair.value) }
        #expect(batch.count == sizes.count)
        try database.write(batch, .synced)
        for pair in pairs { #expect(try database.get(.rows, pair.key) == pair.value) }
    }

    @Test func `a put that is filled later is as one with its bytes`() throws {
        let batch = WriteBatch(database)
        let pairs = (0..<50).map { pair($0, key: 17, value: 40 * $0) }
        let places = pairs.map {
            batch.openPut(.log, keyBytes: $0.key.count, valueBytes: $0.value.count)
        }
        // The memory has moved many times by now.
        batch.withMemory { memory in
            for (pair, place) in zip(pairs, places) {
                for (index, byte) in pair.key.enumerated() { memory[place.key + index] = byte }
                for (index, byte) in pair.value.enumerated() { memory[place.value + index] = byte }
            }
        }
        try database.write(batch, .synced)
        for pair in pairs { #expect(try database.get(.log, pair.key) == pair.value) }
    }

    @Test func `a batch that is used again has nothing of before`() throws {
        let batch = WriteBatch(database)
        for round in 0..<3 {
            batch.removeAll()
            let empty = batch.byteCount
            let large = pair(round, key: 3, value: round == 1 ? 20 << 20 : 1_000)
            batch.put(.rows, large.key, large.value)
            if round > 0 { batch.delete(.rows, pair(round - 1, key: 3, value: 0).key) }
            #expect(batch.count == (round > 0 ? 2 : 1))
            #expect(batch.byteCount > empty + large.value.count)
            try database.write(batch, .buffered)
        }
        #expect(try database.get(.rows, pair(0, key: 3, value: 0).key) == nil)
        #expect(try database.get(.rows, pair(1, key: 3, value: 0).key) == nil)
        #expect(try database.get(.rows, pair(2, key: 3, value: 0).key)?.count == 1_000)
    }
}
