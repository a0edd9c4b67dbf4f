import Domain
import TestSupport
import Testing

@testable import Online

@Suite struct RowTableTests {
    /// Random insertions and removals beside a dictionary, in a table that is rather full.
    @Test(arguments: [UInt64.max, 0xFFFF, 0xF03, 0x1])
    func `a table finds what a dictionary has, however hashes collide`(mask: UInt64) {
        let bytes = 1_024
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 64)
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        let records = UnsafeMutableRawBufferPointer.allocate(byteCount: 4_096 * 48, alignment: 8)
        defer {
            memory.deallocate()
            records.deallocate()
        }
        guard let start = memory.baseAddress, let first = records.baseAddress else { return }
        var table = RowTable(zeroed: start, byteCount: bytes)
        let hasher = RowHash(mask: mask)
        var numbers = SeededRandom(seed: mask)
        var model: [Int: UInt64] = [:]
        func key(_ number: Int) -> [UInt8] { CacheFixture.key(number) }
        func record(_ number: Int) -> RowRecord { RowRecord(first + 48 * number) }
        func find(_ number: Int, _ hash: UInt64) -> RowRecord? {
            key(number).withUnsafeBytes { bytes in
                bytes.baseAddress.flatMap { table.find(hash, 3, $0, bytes.count) }
            }
        }
        for _ in 0..<20_000 {
            let number = Int(numbers.next() % 200)
            let hash = key(number).withUnsafeBytes { bytes in
                bytes.baseAddress.map { hasher.hash($0, count: bytes.count) & mask } ?? 0
            }
            let found = find(number, hash)
            #expect((found?.start == record(number).start) == (model[number] != nil))
            if model[number] != nil {
                let isRemoved = table.remove(hash, record(number))
                #expect(isRemoved)
                model[number] = nil
            } else if table.count < 100 {
                key(number).withUnsafeBytes {
                    record(number).write(
                        .absence,
                        hash: hash,
                        view: 3,
                        key: $0,
                        row: UnsafeRawBufferPointer(start: nil, count: 0)
                    )
                }
                table.insert(hash, record(number))
                model[number] = hash
            }
            #expect(table.count == model.count)
        }
        var seen: Set<UnsafeMutableRawPointer> = []
        table.forEach { seen.insert($0.start) }
        #expect(seen == Set(model.keys.map { record($0).start }))
        for (number, hash) in model { table.remove(hash, record(number)) }
        // Nothing is left of what went past buckets, but where 255 lost count.
        if mask == .max { #expect(memory.enumerated().allSatisfy { $0 % 64 > 7 || $1 == 0 }) }
    }

    @Test func `hashes of keys of every length differ in one bit of any byte`() {
        let hasher = RowHash()
        func hash(_ key: [UInt8]) -> UInt64 {
            key.withUnsafeBytes { bytes in
                bytes.baseAddress.map { hasher.hash($0, count: bytes.count) } ?? 0
            }
        }
        var seen: Set<UInt64> = []
        var count = 0
        for length in 1...70 {
            var key = [UInt8](repeating: 0, count: length)
            seen.insert(hash(key))
            count += 1
            for index in 0..<length {
                key[index] ^= 0x20
                seen.insert(hash(key))
                count += 1
                key[index] ^= 0x20
            }
        }
        #expect(seen.count == count)
    }

    @Test func `hashes of keys that count up fall evenly`() {
        let hasher = RowHash()
        var buckets = [Int](repeating: 0, count: 1_024)
        var tags = [Int](repeating: 0, count: 256)
        for number in 0..<102_400 {
            let hash = CacheFixture.key(number).withUnsafeBytes { bytes in
                bytes.baseAddress.map {
                    hasher.combined(hasher.hash($0, count: bytes.count), .init(1))
                } ?? 0
            }
            buckets[Int(hash >> 8 & 1_023)] += 1
            tags[Int(hash & 255)] += 1
        }
        // A hundred on average: ten is one standard deviation.
        #expect(buckets.allSatisfy { (40...170).contains($0) })
        #expect(tags.allSatisfy { (280...530).contains($0) })
    }
}
