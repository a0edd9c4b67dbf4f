package import Domain

/// Values that stand alone in text, as in `zipcode=94109,94110` on a command line.
package enum CellText {
    /// Cuts at commas that are not within quotes or brackets: `[1,2],[3,4]` is two.
    package static func split(_ text: String) -> [String] {
        var parts: [String] = [""]
        var depth = 0
        var isQuoted = false
        for character in text {
            if character == "\"" { isQuoted.toggle() }
            if !isQuoted {
                if character == "[" { depth += 1 }
                if character == "]" { depth -= 1 }
                if character == ",", depth <= 0 {
                    parts.append("")
                    continue
                }
            }
            parts[parts.count - 1].append(character)
        }
        return parts
    }

    /// A column of the column's type: each cell as a CSV field has it, null where it is empty,
    /// quotes around text that holds commas or is empty.
    package static func column(
        _ cells: [String],
        _ column: TabularColumn
    ) throws(AlulaError) -> Column {
        let reader = CellReader(column)
        var builder = ColumnBuilder(column.field.type)
        for cell in cells {
            let isQuoted = cell.count >= 2 && cell.hasPrefix("\"") && cell.hasSuffix("\"")
            let text = isQuoted ? String(cell.dropFirst().dropLast()) : cell
            do {
                try reader.append(field: Array(text.utf8)[...], isQuoted: isQuoted, to: &builder)
            } catch {
                throw .invalid("\(column.title): \(error.message)")
            }
        }
        return builder.finish()
    }
}
