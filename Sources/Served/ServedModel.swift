package import Domain
import Synchronization

/// What is set for the log of one model, read by event loops.
package final class ServedModel: Sendable {
    package struct Name: Hashable, Sendable {
        package var project: ProjectName
        package var model: RegisteredModelName

        package init(_ project: ProjectName, _ model: RegisteredModelName) {
            self.project = project
            self.model = model
        }
    }

    package let name: Name
    /// Keys whose hash is below it are kept; all ones: all are.
    private let threshold: Atomic<UInt64>
    private let seed: UInt64

    init(_ name: Name, rate: Double) {
        self.name = name
        threshold = Atomic(Self.threshold(rate))
        var seed: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in "\(name.project)/\(name.model)".utf8 {
            seed = (seed ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
        }
        self.seed = seed
    }

    /// The share of keys that are kept.
    package var rate: Double {
        let threshold = threshold.load(ordering: .relaxed)
        return threshold == .max ? 1 : Double(threshold) / 18_446_744_073_709_551_616.0
    }

    func set(rate: Double) { threshold.store(Self.threshold(rate), ordering: .relaxed) }

    private static func threshold(_ rate: Double) -> UInt64 {
        if rate >= 1 { return .max }
        return rate <= 0 ? 0 : UInt64(rate * 18_446_744_073_709_551_616.0)
    }
}

/// Which rows of a read are kept.
package struct ServedChoice: Sendable {
    package var stamp: Int64
    /// Rows of the answer.
    package var picks: [Int32]
    /// One bit a row of the answer, least significant first.
    package var sampled: [UInt8]
}

extension ServedModel {
    /// Chooses rows by their keys, so that a key is always kept or never.
    func picks(_ keys: [Column], _ rows: Range<Int>) -> (picks: [Int32], sampled: [UInt8]) {
        let threshold = threshold.load(ordering: .relaxed)
        var sampled = [UInt8](repeating: threshold == .max ? 0xFF : 0, count: (rows.count + 7) / 8)
        if threshold == .max {
            if rows.count & 7 != 0, let last = sampled.popLast() {
                sampled.append(last & (1 << UInt8(rows.count & 7) - 1))
            }
            return (Array(0..<Int32(rows.count)), sampled)
        }
        guard threshold > 0 else { return ([], sampled) }
        var hashes = [UInt64](repeating: seed, count: rows.count)
        for column in keys { Self.mix(column, rows, into: &hashes) }
        var picks: [Int32] = []
        for (place, hash) in hashes.enumerated() where hash < threshold {
            picks.append(Int32(place))
            sampled[place >> 3] |= 1 << UInt8(place & 7)
        }
        return (picks, sampled)
    }

    private static func mix(_ column: Column, _ rows: Range<Int>, into hashes: inout [UInt64]) {
        if column.type == .int64 {
            unsafe column.values.withUnsafeBytes { raw in
                for (place, row) in rows.enumerated() {
                    let word = unsafe raw.loadUnaligned(fromByteOffset: 8 * row, as: UInt64.self)
                    hashes[place] = stir(hashes[place] ^ word)
                }
            }
            return
        }
        for (place, row) in rows.enumerated() {
            var hash = hashes[place]
            for byte in column.slice(row) { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
            hashes[place] = stir(hash)
        }
    }

    // The finish of SplitMix64: https://prng.di.unimi.it/splitmix64.c
    private static func stir(_ word: UInt64) -> UInt64 {
        var word = word &+ 0x9E37_79B9_7F4A_7C15
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
