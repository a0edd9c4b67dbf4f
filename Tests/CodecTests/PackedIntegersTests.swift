import TestSupport
import Testing

@testable import Codec

/// Bit fields against an encoder that sets one bit after the other.
struct PackedIntegersTests {
    private static func naive(_ values: [Int64], _ plan: PackedIntegers.Plan) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 24)
        withUnsafeBytes(of: plan.base) { bytes.replaceSubrange(0..<8, with: $0) }
        withUnsafeBytes(of: plan.scale) { bytes.replaceSubrange(8..<16, with: $0) }
        bytes[16] = UInt8(plan.width)
        bytes += [UInt8](repeating: 0, count: (values.count * plan.width + 7) / 8 + 8)
        for (index, value) in values.enumerated() {
            let field = UInt64(bitPattern: value &- plan.base) / plan.scale
            for bit in 0..<plan.width where field >> UInt64(bit) & 1 == 1 {
                let place = index * plan.width + bit
                bytes[24 + place >> 3] |= 1 << UInt8(place & 7)
            }
        }
        return bytes
    }

    @Test func `fields of every width and step are those set bit by bit, and read back`() throws {
        var random = SeededRandom(seed: 31)
        for width in 0...60 {
            for step: UInt64 in [1, 2, 3, 8, 60, 1_000_000, 86_400_000_000] {
                let most = width == 0 ? 0 : (UInt64.max >> UInt64(64 - width))
                let base = Int64.random(in: -1_000_000...1_000_000, using: &random)
                let values = (0..<Int.random(in: 1...130, using: &random)).map { _ in
                    base &+ Int64(bitPattern: UInt64.random(in: 0...most, using: &random) &* step)
                }
                let plan = values.withUnsafeBufferPointer {
                    PackedIntegers.plan($0, isPresent: { _ in true })
                }
                guard let plan else {
                    #expect(width > 40)
                    continue
                }
                for value in values {
                    #expect(UInt64(bitPattern: value &- plan.base) % plan.scale == 0)
                }
                var bytes: [UInt8] = []
                values.withUnsafeBufferPointer {
                    PackedIntegers.append($0, plan, isPresent: { _ in true }, to: &bytes)
                }
                #expect(bytes == Self.naive(values, plan), "width \(width), step \(step)")
                bytes.withUnsafeBytes { raw in
                    var size = 0
                    let reader = PackedReader(raw, rows: values.count, size: &size)
                    #expect(size == raw.count)
                    for (row, value) in values.enumerated() { #expect(reader?[row] == value) }
                }
            }
        }
    }

    @Test func `division by a product is division`() {
        var random = SeededRandom(seed: 32)
        for _ in 0..<20_000 {
            let divisor = max(1, random.next() >> UInt64.random(in: 0...63, using: &random))
            let number = random.next() >> UInt64.random(in: 0...63, using: &random)
            let exact = ExactDivision(by: divisor)
            #expect(exact.divides(number) == (number % divisor == 0))
            let multiple = number / divisor * divisor
            #expect(exact.divides(multiple) && exact.quotient(of: multiple) == number / divisor)
        }
        #expect(ExactDivision(by: 7).divides(0))
    }
}
