/// Cuts content into chunks at places that depend on the content only, so that what two files have
/// in common is cut alike in both.
///
/// A gear hash over the last 64 bytes decides, as in FastCDC (Xia et al., USENIX ATC 2016): less
/// often before the usual length, more often behind it. The numbers behind the hash may change: that
/// costs what older and newer files would have shared, and nothing else.
struct Chunker {
    static let least = 1 << 20
    static let usual = 4 << 20
    static let most = 16 << 20

    private static let window = 64
    private static let block = 16 << 10
    /// A cut is where the hash is below: once in 4 MiB, and once in 2 MiB.
    private static let seldom: UInt64 = 1 << (64 - 22)
    private static let often: UInt64 = 1 << (64 - 21)

    private var hash: UInt64 = 0
    /// Of the chunk so far.
    private var length = 0

    /// Takes the bytes that belong to the present chunk.
    ///
    /// - Returns: how many they are, and whether the chunk ends with them.
    mutating func take(_ bytes: UnsafeRawBufferPointer) -> (count: Int, ends: Bool) {
        var index = 0
        if length < Self.least - Self.window {
            index = min(bytes.count, Self.least - Self.window - length)
            length += index
        }
        while index < bytes.count {
            let (border, bound): (Int, UInt64) =
                if length < Self.least {
                    (Self.least, 0)
                } else if length < Self.usual {
                    (Self.usual, Self.seldom)
                } else {
                    (Self.most, Self.often)
                }
            let end = min(bytes.count, index + border - length)
            let stopped = unsafe scan(bytes, index, end, bound)
            length += stopped.index - index
            index = stopped.index
            guard stopped.isCut || length == Self.most else { continue }
            hash = 0
            length = 0
            return (index, true)
        }
        return (index, false)
    }

    private mutating func scan(
        _ bytes: UnsafeRawBufferPointer,
        _ start: Int,
        _ end: Int,
        _ bound: UInt64
    ) -> (index: Int, isCut: Bool) {
        var hash = hash
        var index = start
        var isCut = false
        unsafe Self.gear.withUnsafeBufferPointer { gear in
            while index < end, !isCut {
                if end - index >= Self.block,
                    let behind = unsafe Self.skip(bytes, index, hash, bound, gear)
                {
                    hash = behind
                    index += Self.block
                    continue
                }
                let stop = min(end, index + Self.block)
                while index < stop {
                    hash = unsafe (hash << 1) &+ gear[Int(bytes[index])]
                    index += 1
                    if hash < bound {
                        isCut = true
                        break
                    }
                }
            }
        }
        self.hash = hash
        return (index, isCut)
    }

    /// The hash behind a block in which there is no cut; nil where there is one.
    ///
    /// The hash at a place depends on the 64 bytes before it only, so that four parts of the block are
    /// looked at in one go: the processor does them side by side.
    private static func skip(
        _ bytes: UnsafeRawBufferPointer,
        _ start: Int,
        _ hash: UInt64,
        _ bound: UInt64,
        _ gear: UnsafeBufferPointer<UInt64>
    ) -> UInt64? {
        let part = block / 4
        var (first, second, third, fourth) = (hash, UInt64(0), UInt64(0), UInt64(0))
        for index in (start - window)..<start {
            second = unsafe (second << 1) &+ gear[Int(bytes[index + part])]
            third = unsafe (third << 1) &+ gear[Int(bytes[index + 2 * part])]
            fourth = unsafe (fourth << 1) &+ gear[Int(bytes[index + 3 * part])]
        }
        for index in start..<(start + part) {
            first = unsafe (first << 1) &+ gear[Int(bytes[index])]
            second = unsafe (second << 1) &+ gear[Int(bytes[index + part])]
            third = unsafe (third << 1) &+ gear[Int(bytes[index + 2 * part])]
            fourth = unsafe (fourth << 1) &+ gear[Int(bytes[index + 3 * part])]
            if first < bound || second < bound || third < bound || fourth < bound { return nil }
        }
        return fourth
    }

    /// 256 numbers without a pattern: SplitMix64 from a fixed start.
    private static let gear: [UInt64] = {
        var state: UInt64 = 0x616C_756C_6131_3233
        return (0..<256).map { _ in
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }()
}
