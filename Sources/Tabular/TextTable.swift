package import Domain

/// A table for people: columns as wide as their widest cell, numbers to the right.
package struct TextTable {
    package enum Alignment: Sendable { case left, right }

    private let titles: [String]
    private let alignments: [Alignment]
    private var rows: [[String]] = []

    package init(_ columns: [(title: String, alignment: Alignment)]) {
        titles = columns.map(\.title)
        alignments = columns.map(\.alignment)
    }

    /// Columns of text, to the left.
    package init(_ titles: [String]) { self.init(titles.map { ($0, .left) }) }

    /// The rows of a batch; null is a dash.
    package init(_ batch: RecordBatch) {
        self.init(batch.schema.fields.map { ($0.name, Self.alignment($0.type)) })
        for row in 0..<batch.rowCount {
            add(
                batch.columns.map { column in
                    column.isValid(row) ? ValueText.plain(column[row]) : "-"
                }
            )
        }
    }

    package var rowCount: Int { rows.count }

    /// Adds a row; a cell that is left out is empty.
    package mutating func add(_ cells: [String]) {
        rows.append(titles.indices.map { $0 < cells.count ? Self.clean(cells[$0]) : "" })
    }

    /// All lines, with a line's end behind each.
    package var text: String {
        let widths = titles.indices.map { column in
            ([titles] + rows).reduce(0) { max($0, $1[column].count) }
        }
        return ([titles] + rows).map { line($0, widths) + "\n" }.joined()
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        var line = ""
        for (index, cell) in cells.enumerated() {
            if index > 0 { line += "  " }
            let padding = String(repeating: " ", count: widths[index] - cell.count)
            line += alignments[index] == .right ? padding + cell : cell + padding
        }
        while line.last == " " { line.removeLast() }
        return line
    }

    /// Numbers stand to the right.
    package static func alignment(_ type: ValueType) -> Alignment {
        switch type {
        case .scalar(.int32), .scalar(.int64), .scalar(.float32), .scalar(.float64): .right
        case .scalar(.bool), .scalar(.string), .scalar(.bytes), .scalar(.timestamp), .list,
            .fixedList:
            .left
        }
    }

    /// Without control characters, which would move the cursor, and not endless.
    private static func clean(_ cell: String) -> String {
        let isClean = cell.utf8.count <= 80 && cell.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        guard !isClean else { return cell }
        let visible = cell.unicodeScalars.map { scalar in
            scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) ? " " : Character(scalar)
        }
        return visible.count <= 80 ? String(visible) : String(visible.prefix(79)) + "…"
    }
}
