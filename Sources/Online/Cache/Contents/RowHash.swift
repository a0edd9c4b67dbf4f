import Domain

/// A keyed hash of keys, sixteen bytes a step, with secrets of this process, so that nobody outside
/// can choose keys that collide.
///
/// A product of 128 bits folds two words into one, as in wyhash
/// (https://github.com/wangyi-fudan/wyhash).
@safe struct RowHash: Sendable {
    private let seed: UInt64
    private let secret: UInt64
    private let mask: UInt64

    /// With few bits in `mask` hashes collide, for tests.
    init(mask: UInt64 = .max) {
        seed = .random(in: .min ... .max)
        // An odd number with many bits set has no short cycles as a factor.
        secret = .random(in: .min ... .max) | 0x8000_4000_2000_1001
        self.mask = mask
    }

    @inline(__always)
    func hash(_ start: UnsafeRawPointer, count: Int) -> UInt64 {
        var state = seed
        var first: UInt64 = 0
        var last: UInt64 = 0
        if count >= 8 {
            var at = unsafe start
            var left = count
            while left > 16 {
                state = unsafe Self.fold(Self.word(at) ^ secret, Self.word(at + 8) ^ state)
                unsafe at += 16
                left -= 16
            }
            // Both may overlap what was folded before.
            first = unsafe Self.word(start + max(0, count - 16))
            last = unsafe Self.word(start + (count - 8))
        } else if count >= 4 {
            first = unsafe UInt64(start.loadUnaligned(as: UInt32.self))
            last = unsafe UInt64(start.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))
        } else {
            for index in 0..<count {
                first =
                    unsafe first << 8 | UInt64(start.load(fromByteOffset: index, as: UInt8.self))
            }
        }
        return Self.fold(secret ^ UInt64(count), Self.fold(first ^ secret, last ^ state))
    }

    /// The hash of one view's row, from that of the key.
    @inline(__always)
    func combined(_ prefix: UInt64, _ view: FeatureViewID) -> UInt64 {
        Self.fold(prefix ^ secret, UInt64(view.number) &* 0x9E37_79B9_7F4A_7C15 ^ seed) & mask
    }

    @inline(__always)
    private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    @inline(__always)
    private static func word(_ start: UnsafeRawPointer) -> UInt64 {
        unsafe start.loadUnaligned(as: UInt64.self)
    }
}
