import Domain
import TestSupport
import Testing

@testable import Codec

/// Rows picked out of an answer against the same rows of the answer taken apart.
struct AnswerPicksTests {
    private static let types: [ValueType] = [
        .int64, .string, .bool, .float32, .fixedList(.float32, length: 3), .bytes, .float64,
    ]

    private static func value(
        _ type: ValueType,
        _ random: inout SeededRandom
    ) -> FeatureValue {
        let number = Int64.random(in: -9...9, using: &random)
        if number > 6 { return .null }
        switch type {
        case .int64: return .int64(number)
        case .string: return .string(String(repeating: "ä", count: Int(number & 3)))
        case .bool: return .bool(number > 0)
        case .float32: return .float32(Float(number))
        case .bytes: return .bytes([UInt8](repeating: 7, count: Int(number & 7)))
        case .float64: return .float64(Double(number))
        default: return .list((0..<3).map { .float32(Float(number) + Float($0)) })
        }
    }

    private static func answer(
        rows: Int,
        parts: Int,
        _ random: inout SeededRandom
    ) throws -> (bytes: [UInt8], schema: Schema) {
        let schema = Schema(
            fields: types.enumerated().map { .init(name: "c\($0)", type: $1) }
        )
        let columns = try types.map { type in
            try Column(type, (0..<rows).map { _ in value(type, &random) })
        }
        var bytes = BatchCodec.encode(
            RecordBatch(schema: schema, columns: columns, rowCount: rows)
        )
        for _ in 0..<parts {
            for _ in 0..<rows {
                let event = Int64.random(in: 0...1_000, using: &random)
                withUnsafeBytes(of: event.littleEndian) { bytes.append(contentsOf: $0) }
            }
            bytes += (0..<rows).map { _ in UInt8.random(in: 0...3, using: &random) }
            while bytes.count % 8 != 0 { bytes.append(0) }
        }
        return (bytes, schema)
    }

    @Test func `picked rows are those of the answer`() throws {
        var random = SeededRandom(seed: 11)
        // The last is over the size from which buffers stand at multiples of 64.
        for rows in [0, 1, 2, 7, 8, 9, 63, 200, 2_000] {
            for parts in [0, 1, 3] {
                let (bytes, schema) = try Self.answer(rows: rows, parts: parts, &random)
                let picker = try #require(AnswerPicks(Self.types, parts: parts))
                let whole = try DecodedAnswer(bytes, schema: schema, parts: parts)
                for share in [0.0, 0.1, 0.5, 1.0] {
                    let picks = (0..<Int32(rows)).filter { _ in
                        Double.random(in: 0..<1, using: &random) < share
                    }
                    let taken = bytes.withUnsafeBytes { picker.take(picks, of: $0) }
                    let found = try DecodedAnswer(taken, schema: schema, parts: parts)
                    #expect(found.vector.rowCount == picks.count)
                    for (column, all) in zip(found.vector.columns, whole.vector.columns) {
                        #expect(column == all.taking(picks[...]), "\(rows) rows, \(column.type)")
                    }
                    for part in 0..<parts {
                        #expect(found.events[part] == picks.map { whole.events[part][Int($0)] })
                        #expect(
                            found.statuses[part] == picks.map { whole.statuses[part][Int($0)] }
                        )
                    }
                }
            }
        }
    }

    @Test func `joined answers are their rows end to end`() throws {
        var random = SeededRandom(seed: 17)
        for parts in [0, 2] {
            let picker = try #require(AnswerPicks(Self.types, parts: parts))
            for count in [0, 1, 2, 30] {
                var answers: [[UInt8]] = []
                var decoded: [DecodedAnswer] = []
                for _ in 0..<count {
                    let rows = Int.random(in: 0...40, using: &random)
                    let (bytes, schema) = try Self.answer(rows: rows, parts: parts, &random)
                    let picks = (0..<Int32(rows)).filter { _ in Bool.random(using: &random) }
                    answers.append(bytes.withUnsafeBytes { picker.take(picks, of: $0) })
                    decoded.append(
                        try DecodedAnswer(answers[answers.count - 1], schema: schema, parts: parts)
                    )
                }
                let joined = JoinedAnswers(answers, picker: picker, types: Self.types)
                #expect(joined.rowCount == decoded.reduce(0) { $0 + $1.vector.rowCount })
                for (index, type) in Self.types.enumerated() where count > 0 {
                    let columns = decoded.map { $0.vector.columns[index] }
                    let expected = Column.joined(columns, type: type)
                    let found = joined.columns[index]
                    #expect(
                        (0..<found.count).map { found[$0] }
                            == (0..<expected.count).map { expected[$0] }
                    )
                    #expect(found.values == expected.values && found.offsets == expected.offsets)
                }
                for part in 0..<parts {
                    #expect(joined.statuses[part] == decoded.flatMap { $0.statuses[part] })
                    let events = joined.events[part].withUnsafeBytes { raw in
                        (0..<joined.rowCount).map {
                            raw.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)
                        }
                    }
                    #expect(events == decoded.flatMap { $0.events[part] })
                }
            }
        }
    }

    @Test func `lists of any length are not picked`() {
        #expect(AnswerPicks([.int64, .list(.int64)], parts: 1) == nil)
        #expect(AnswerPicks([.fixedList(.string, length: 2)], parts: 1) == nil)
    }

    @Test func `an answer that is cut short is refused`() throws {
        var random = SeededRandom(seed: 3)
        let (bytes, schema) = try Self.answer(rows: 9, parts: 2, &random)
        for length in stride(from: 0, to: bytes.count, by: 5) {
            #expect(throws: AlulaError.self) {
                try DecodedAnswer(Array(bytes[..<length]), schema: schema, parts: 2)
            }
        }
    }
}
