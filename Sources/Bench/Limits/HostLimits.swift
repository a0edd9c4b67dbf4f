package import Domain
import Glibc
import RocksDB

/// What this machine can do at most, of what an online read is made of.
package struct HostLimits: Sendable {
    package struct Line: Sendable {
        package var name: String
        package var value: Double
        package var unit: String
        package var note: String
    }

    package private(set) var lines: [Line] = []

    /// Measures for some seconds, with files in `directory`.
    package init(directory: String, rows: Int = 200_000, rowBytes: Int = 400) throws(AlulaError) {
        precondition(rows >= 1_000 && rowBytes >= 16)
        copying()
        lookingUp(rows: rows, rowBytes: rowBytes)
        try reading(rows: rows, rowBytes: rowBytes, directory)
        try loopback()
    }

    private mutating func add(_ name: String, _ value: Double, _ unit: String, _ note: String) {
        lines.append(Line(name: name, value: value, unit: unit, note: note))
    }

    private mutating func copying() {
        for (bytes, note) in [(16 << 10, "16 KiB, in the cache"), (64 << 20, "64 MiB")] {
            let source = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
            let target = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
            defer {
                source.deallocate()
                target.deallocate()
            }
            memset(source, 1, bytes)
            memset(target, 2, bytes)
            let rounds = max(4, (1 << 29) / bytes)
            let nanoseconds = Self.time {
                for round in 0..<rounds {
                    source.storeBytes(of: UInt8(truncatingIfNeeded: round), as: UInt8.self)
                    memcpy(target, source, bytes)
                }
            }
            add("memory copy", Double(bytes) * Double(rounds) / nanoseconds, "GB/s", note)
        }
    }

    private mutating func lookingUp(rows: Int, rowBytes: Int) {
        let table = PackedTable(rows: rows, rowBytes: rowBytes)
        let row = UnsafeMutableRawPointer.allocate(byteCount: rowBytes, alignment: 8)
        defer { row.deallocate() }
        var random = RandomStream(seed: 1)
        let lookups = 1_000_000
        var isLost = false
        let nanoseconds = Self.time {
            for _ in 0..<lookups where !table.copy(random.below(UInt64(rows)), to: row) {
                isLost = true
            }
        }
        precondition(!isLost)
        add(
            "hash look-up and copy",
            nanoseconds / Double(lookups),
            "ns",
            "one of \(rows) rows of \(rowBytes) bytes"
        )
    }

    private mutating func reading(
        rows: Int,
        rowBytes: Int,
        _ directory: String
    ) throws(AlulaError) {
        let database = try Database(path: directory, cacheBytes: 4 * rows * rowBytes)
        for first in stride(from: 0, to: rows, by: 10_000) {
            let batch = WriteBatch(database)
            for number in first..<min(rows, first + 10_000) {
                batch.put(.rows, Self.key(number), [UInt8](repeating: 7, count: rowBytes))
            }
            try database.write(batch, .buffered)
        }
        try database.flush()
        var random = RandomStream(seed: 2)
        for keysEach in [1, 100] {
            let batches = 40_000 / keysEach
            // Once to warm the block cache.
            for isCounted in [false, true] {
                var total = 0.0
                for _ in 0..<batches {
                    var keys = LookupKeys()
                    for _ in 0..<keysEach {
                        let key = Self.key(Int(random.below(UInt64(rows))))
                        keys.append { $0 += key }
                    }
                    let sorted = keys.sorted()
                    let begun = Clock.now()
                    let values = try database.get(.rows, sorted)
                    guard try values.withValue(0, { $0.byteCount }) == rowBytes else {
                        throw AlulaError(.internal, "RocksDB lost a row")
                    }
                    total += Double(Clock.now() - begun)
                }
                guard isCounted else { continue }
                add(
                    "RocksDB get",
                    total / Double(batches * keysEach) / 1_000,
                    "us",
                    "a row, \(keysEach) at once, in its cache"
                )
            }
        }
        var times: [UInt64] = []
        for number in 0..<100 {
            let batch = WriteBatch(database)
            batch.put(.rows, Self.key(number), [UInt8](repeating: 8, count: rowBytes))
            let begun = Clock.now()
            try database.write(batch, .synced)
            times.append(Clock.now() - begun)
        }
        add("RocksDB synced write", Double(times.sorted()[50]) / 1_000, "us", "one row, p50")
    }

    private mutating func loopback() throws(AlulaError) {
        for (request, response) in [(64, 64), (64, 64 << 10)] {
            let server = try EchoServer(requestBytes: request, responseBytes: response)
            defer { server.stop() }
            let result = try Load.run(
                LoadPlan(
                    address: server.address,
                    requests: RequestFrames(bytes: request),
                    check: .none,
                    warmUp: 0.2,
                    duration: 1
                )
            )
            let sizes = "\(request) bytes there, \(response) back"
            add("loopback echo", result.counts.latency(percentile: 50), "us", sizes + ", p50")
            if response > 1_024 {
                let bytes = Double(response) * result.perSecond
                add("loopback", bytes / 1e9, "GB/s", sizes)
            }
        }
    }

    private static func time(_ body: () -> Void) -> Double {
        var best = Double.infinity
        for _ in 0..<3 {
            let begun = Clock.now()
            body()
            best = min(best, Double(Clock.now() - begun))
        }
        return best
    }

    private static func key(_ number: Int) -> [UInt8] {
        (0..<16).map { UInt8(truncatingIfNeeded: number >> (8 * (15 - $0))) }
    }
}

/// A hash table of packed rows without locks, types or eviction: what a look-up costs at least.
private final class PackedTable {
    private let slots: UnsafeMutableBufferPointer<UInt64>
    private let bytes: UnsafeMutableRawPointer
    private let rowBytes: Int
    private let mask: Int

    /// Keys are the numbers from 0.
    init(rows: Int, rowBytes: Int) {
        self.rowBytes = rowBytes
        var size = 1
        while size < 2 * rows { size *= 2 }
        mask = size - 1
        slots = .allocate(capacity: 2 * size)
        slots.initialize(repeating: .max)
        bytes = .allocate(byteCount: rows * rowBytes, alignment: 64)
        memset(bytes, 5, rows * rowBytes)
        for row in 0..<rows {
            var slot = Self.hash(UInt64(row)) & mask
            while slots[2 * slot] != .max { slot = (slot + 1) & mask }
            slots[2 * slot] = UInt64(row)
            slots[2 * slot + 1] = UInt64(row * rowBytes)
        }
    }

    deinit {
        slots.deallocate()
        bytes.deallocate()
    }

    @inline(__always)
    func copy(_ key: UInt64, to row: UnsafeMutableRawPointer) -> Bool {
        var slot = Self.hash(key) & mask
        while slots[2 * slot] != key {
            guard slots[2 * slot] != .max else { return false }
            slot = (slot + 1) & mask
        }
        memcpy(row, bytes + Int(slots[2 * slot + 1]), rowBytes)
        return true
    }

    @inline(__always)
    private static func hash(_ key: UInt64) -> Int {
        Int((key &* 0x9E37_79B9_7F4A_7C15) >> 32)
    }
}
