import Codec
import Domain
import Foundation
import Testing

@testable import Training

/// `proto/vectors/digest.json` was written by a Python script that shares no code with this.
struct DigestVectorTests {
    private struct Vectors: Decodable {
        var tables: [Table]
    }

    private struct Table: Decodable {
        var name: String
        var columns: [Field]
        var digest: String
    }

    private struct Field: Decodable {
        var name: String
        var type: String
        var values: [Value]
    }

    private indirect enum Value: Decodable {
        case null, bool(Bool), integer(Int64), number(Double), text(String), list([Value])

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if value.decodeNil() {
                self = .null
            } else if let bool = try? value.decode(Bool.self) {  // another case follows
                self = .bool(bool)
            } else if let integer = try? value.decode(Int64.self) {
                self = .integer(integer)
            } else if let number = try? value.decode(Double.self) {
                self = .number(number)
            } else if let text = try? value.decode(String.self) {
                self = .text(text)
            } else {
                self = .list(try value.decode([Value].self))
            }
        }

        func value(_ type: ScalarType) throws -> FeatureValue {
            switch (type, self) {
            case (_, .null): .null
            case (.bool, .bool(let bool)): .bool(bool)
            case (.int32, .integer(let number)): .int32(Int32(number))
            case (.int64, .integer(let number)): .int64(number)
            case (.timestamp, .integer(let number)): .timestamp(time(number))
            case (.float32, _): .float32(Float(try double()))
            case (.float64, _): .float64(try double())
            case (.string, .text(let text)): .string(text)
            case (.bytes, .text(let text)): .bytes(DigestVectorTests.bytes(text))
            default: throw AlulaError.invalid("a vector has a value of another type")
            }
        }

        private func double() throws -> Double {
            switch self {
            case .number(let number): number
            case .integer(let number): Double(number)
            case .text("-0.0"): -0.0
            case .text("nan"): .nan
            case .text("inf"): .infinity
            case .text("-inf"): -.infinity
            case .null, .bool, .text, .list: throw AlulaError.invalid("a vector has no number")
            }
        }
    }

    private static func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.map { UInt8($0.hexDigitValue ?? 0) }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    private static func column(_ field: Field) throws -> (Schema.Field, Column) {
        let type = try #require(ValueType(text: field.type))
        let values = try field.values.map { value -> FeatureValue in
            if case .list(let items) = value {
                return .list(try items.map { try $0.value(type.item) })
            }
            return try value.value(type.item)
        }
        return (Schema.Field(name: field.name, type: type), try Column(type, values))
    }

    private static func vectors() throws -> [Table] {
        let path =
            (#filePath as NSString).deletingLastPathComponent + "/../../proto/vectors/digest.json"
        return try JSONDecoder().decode(
            Vectors.self,
            from: Data(contentsOf: URL(fileURLWithPath: path))
        )
        .tables
    }

    @Test func `digests are those of the vectors, in one piece and row by row`() throws {
        let tables = try Self.vectors()
        #expect(tables.count == 13)
        for table in tables {
            let columns = try table.columns.map(Self.column)
            let rows = columns.first?.1.count ?? 0
            let schema = Schema(fields: columns.map(\.0))
            let whole = TableDigest(schema)
            whole.add(columns.map(\.1), rows: rows)
            #expect(whole.finish().description == table.digest, "\(table.name)")
            let pieces = TableDigest(schema)
            for row in 0..<rows { pieces.add(columns.map { $0.1.rows(row..<row + 1) }, rows: 1) }
            #expect(pieces.finish().description == table.digest, "\(table.name) row by row")
        }
    }
}
