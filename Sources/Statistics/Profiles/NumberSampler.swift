/// Keeps numbers in order of arrival while there are at most 32,768, and from then on one of each
/// block of two, four, eight …, chosen at random within its block.
///
/// So from 16,384 to 32,768 numbers are kept, spread evenly over all that came, in 256 KiB. The rank
/// of a value is then off by more than 1.3 % of all once in a thousand times. The same numbers in the
/// same order give the same sample.
struct NumberSampler: Sendable {
    static let most = 1 << 15

    private(set) var kept: [Double] = []
    /// Each kept number stands for two to this power.
    private(set) var shift = 0
    /// How far the open block has come, which of it is taken, and that one.
    private var offset = 0
    private var choice = 0
    private var chosen = 0.0
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func add(_ values: UnsafeBufferPointer<Double>) {
        var index = 0
        while index < values.count {
            if kept.count >= Self.most { halve() }
            if shift == 0 {
                let end = min(values.count, index + Self.most - kept.count)
                kept.append(contentsOf: UnsafeBufferPointer(rebasing: values[index..<end]))
                index = end
            } else {
                let step = min(1 << shift - offset, values.count - index)
                if choice >= offset, choice < offset + step {
                    chosen = values[index + choice - offset]
                }
                offset += step
                index += step
                guard offset == 1 << shift else { return }
                kept.append(chosen)
                openBlock()
            }
        }
    }

    /// Takes what another one kept; both then stand for blocks of the same size.
    mutating func merge(_ other: NumberSampler) {
        var other = other
        while other.shift < shift { other.halve() }
        while shift < other.shift { halve() }
        kept += other.kept
        while kept.count > Self.most { halve() }
    }

    /// One of each two neighbours stays.
    private mutating func halve() {
        let half = kept.count / 2
        var coins: UInt64 = 0
        for pair in 0..<half {
            if pair & 63 == 0 { coins = random() }
            kept[pair] = kept[2 * pair + Int(coins & 1)]
            coins >>= 1
        }
        kept.removeLast(kept.count - half)
        shift += 1
        openBlock()
    }

    private mutating func openBlock() {
        offset = 0
        choice = Int(random() & (1 << UInt64(shift) - 1))
    }

    /// SplitMix64.
    private mutating func random() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
