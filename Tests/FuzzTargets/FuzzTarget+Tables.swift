import Domain
import Tabular

extension FuzzTarget {
    private static let columns: [TabularColumn] = {
        var columns: [TabularColumn] = [
            TabularColumn("id", .int64, nulls: .refused("a key is never null")),
            TabularColumn("event_time", .timestamp),
        ]
        for (number, item) in ScalarType.allCases.enumerated() {
            columns.append(TabularColumn("s\(number)", .scalar(item)))
            columns.append(TabularColumn("l\(number)", .list(item)))
        }
        return columns.map { column in
            var column = column
            column.presence = column.field.name == "id" ? .required : .optional
            return column
        }
    }()

    /// The first byte says how the source is cut.
    static func table(_ bytes: [UInt8], _ format: TabularFormat) {
        guard let cut = bytes.first else { return }
        let text = Array(bytes.dropFirst())
        let whole = rows(text, format, pieceBytes: 1 << 16)
        let inPieces = rows(text, format, pieceBytes: Int(cut) + 1)
        precondition(whole == inPieces)
    }

    /// What was read until the end or the first mistake.
    private static func rows(_ text: [UInt8], _ format: TabularFormat, pieceBytes: Int) -> [Int] {
        var found: [Int] = []
        do throws(AlulaError) {
            var reader = try TabularReader(
                .bytes(text, name: "fuzz", pieceBytes: pieceBytes),
                format: format,
                columns: columns,
                policy: .skip
            )
            while let chunk = try reader.next() {
                precondition(chunk.batch.columns.allSatisfy { $0.count == chunk.batch.rowCount })
                found += chunk.lines
            }
            found.append(Int(clamping: reader.rowsRead))
        } catch {
            found.append(-1)
        }
        return found
    }

    static func inference(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let text = Array(bytes.dropFirst())
        _ = try? TypeInference.schema(
            of: .bytes(text, name: "fuzz"),
            format: first & 1 == 0 ? .csv : .ndjson,
            known: [:]
        )
    }
}
