/// Int64 ids, drawn before the load begins where a draw is dear.
///
/// Read by many threads, never written after it is made: so says the initializer.
package final class IDTable: @unchecked Sendable {
    let first: Int64
    let draws: KeyDraws
    /// Empty where ids are uniform, as drawing one costs less than reading it.
    let drawn: UnsafeMutableBufferPointer<Int64>

    package init(first: Int64, draws: KeyDraws, isUniform: Bool, seed: UInt64) {
        self.first = first
        self.draws = draws
        let size = isUniform ? 0 : min(1 << 22, max(1 << 18, 8 * draws.count))
        drawn = .allocate(capacity: size)
        var random = RandomStream(seed: seed)
        for index in 0..<size {
            drawn.initializeElement(at: index, to: first + Int64(draws.draw(&random)))
        }
    }

    deinit { drawn.deallocate() }

    /// Writes `count` ids to `place`: a piece of the table from anywhere in it, or new draws.
    @inline(__always)
    func fill(_ place: UnsafeMutableRawPointer, count: Int, _ random: inout RandomStream) {
        if drawn.count > count, let base = drawn.baseAddress {
            let begin = Int(random.below(UInt64(drawn.count - count)))
            place.copyMemory(from: base + begin, byteCount: 8 * count)
            return
        }
        for index in 0..<count {
            let id =
                drawn.isEmpty
                ? first + Int64(random.below(UInt64(draws.count)))
                : drawn[Int(random.below(UInt64(drawn.count)))]
            place.storeBytes(of: id.littleEndian, toByteOffset: 8 * index, as: Int64.self)
        }
    }
}
