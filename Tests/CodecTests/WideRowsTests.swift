import Domain
import TestSupport
import Testing

@testable import Codec

/// Rows laid out side by side, against columns put together value by value.
struct WideRowsTests {
    @Test(arguments: 0..<20 as Range<UInt64>)
    func `rows taken in any order are those that were added`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let scalars: [ScalarType] = [.bool, .int32, .int64, .float32, .float64, .timestamp]
        // More columns than one word has bits, now and then.
        let types = (0..<(seed % 5 == 0 ? 70 : 7)).map { _ in
            ValueType.scalar(scalars.randomElement(using: &random) ?? .bool)
        }
        let rows = WideRows(types)
        for _ in 0..<2 {
            var values = types.map { _ in [FeatureValue]() }
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let count = [0, 1, 7, 128, 300].randomElement(using: &random) ?? 0
                let nullShare = random.chance(0.5) ? 0 : 0.2
                let chunk = types.map { type in
                    (0..<count).map { _ in
                        random.chance(nullShare) ? .null : value(type.item, &random)
                    }
                }
                rows.append(try zip(types, chunk).map { try Column($0, $1) })
                for index in types.indices { values[index] += chunk[index] }
            }
            #expect(rows.count == values[0].count)
            let order = (0..<rows.count).map(Int32.init).shuffled(using: &random)
            let parts: [ArraySlice<Int32>] = [
                order[...], order.prefix(5), order.dropFirst(rows.count / 2), [],
            ]
            for part in parts {
                let expected = try zip(types, values).map { type, values in
                    try Column(type, part.map { values[Int($0)] })
                }
                #expect(rows.taking(part) == expected)
            }
            rows.removeAll()
        }
    }

    @Test func `what is wider stands elsewhere`() {
        #expect(!WideRows.holds(.scalar(.string)) && !WideRows.holds(.scalar(.bytes)))
        #expect(!WideRows.holds(.list(.int64)) && !WideRows.holds(.fixedList(.float32, length: 1)))
    }

    private func value(_ type: ScalarType, _ random: inout SeededRandom) -> FeatureValue {
        let bits = random.next()
        return switch type {
        case .bool: .bool(bits % 2 == 0)
        case .int32: .int32(Int32(truncatingIfNeeded: bits))
        case .int64: .int64(Int64(truncatingIfNeeded: bits))
        case .float32: .float32(Float(bits % 1_000))
        case .float64: .float64(Double(bits % 1_000) / 3)
        default: .timestamp(Timestamp(microseconds: Int64(bits >> 20)))
        }
    }
}
