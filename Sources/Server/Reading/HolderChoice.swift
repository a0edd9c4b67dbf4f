import Domain
import Glibc

/// Which holder of a stage an entity meets: rendezvous hashing, weighted by shares.
///
/// It depends on the entity's keys, the model and the versions with their shares, and on nothing else:
/// on every server, after every restart, an entity meets the same version while shares stand. While
/// one share grows and the others keep their proportion, entities move to the one that grows and
/// nowhere else.
struct HolderChoice: Sendable {
    private struct Holder {
        var seed: UInt64
        var weight: Double
    }

    private let seed: UInt64
    private let holders: [Holder]

    /// `salt` keeps the choices of different models apart.
    init(_ parts: [(version: UInt32, share: Share)], salt: String) {
        seed = salt.utf8.reduce(0xCBF2_9CE4_8422_2325) {
            ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3
        }
        holders = parts.map {
            Holder(
                seed: Self.stir(UInt64($0.version) &* 0xD6E8_FEB8_6659_FD93),
                weight: Double($0.share.hundredths)
            )
        }
    }

    /// For each row the place of its holder; keys have no null.
    func holders(of keys: [Column], rows: Int) -> [UInt8] {
        var hashes = [UInt64](repeating: seed, count: rows)
        for column in keys { Self.mix(column, into: &hashes) }
        return hashes.map(holder)
    }

    private func holder(of hash: UInt64) -> UInt8 {
        var best = 0
        var greatest = -1.0
        for (place, holder) in holders.enumerated() {
            let word = Self.stir(hash ^ holder.seed)
            // Between 0 and 1, neither of them.
            let chance = (Double(word >> 11) + 0.5) * 0x1p-53
            let score = holder.weight / -log(chance)
            if score > greatest { (best, greatest) = (place, score) }
        }
        return UInt8(truncatingIfNeeded: best)
    }

    private static func mix(_ column: Column, into hashes: inout [UInt64]) {
        if column.type == .int64 {
            unsafe column.values.withUnsafeBytes { raw in
                for row in hashes.indices {
                    let word = unsafe raw.loadUnaligned(fromByteOffset: 8 * row, as: UInt64.self)
                    hashes[row] = stir(hashes[row] ^ word.littleEndian)
                }
            }
            return
        }
        for row in hashes.indices {
            var hash = hashes[row]
            for byte in column.slice(row) { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
            hashes[row] = stir(hash)
        }
    }

    // The finish of MurmurHash3, another than the log's sampling has: the two must not depend on each
    // other. https://github.com/aappleby/smhasher
    private static func stir(_ word: UInt64) -> UInt64 {
        var word = word &+ 0x2545_F491_4F6C_DD1D
        word = (word ^ (word >> 33)) &* 0xFF51_AFD7_ED55_8CCD
        word = (word ^ (word >> 33)) &* 0xC4CE_B9FE_1A85_EC53
        return word ^ (word >> 33)
    }
}
