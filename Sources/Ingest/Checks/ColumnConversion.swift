import Domain

/// A column made to be of the type of a key or a feature.
struct ConvertedColumn {
    var column: Column
    /// Rows with a value that the target type cannot hold exactly; zero stands in their place.
    var inexactRows: [Int] = []

    /// Takes int32 for int64, float32 for float64, and integers for float64, alone and in lists;
    /// nil for any other change of type.
    init?(_ source: Column, to target: ValueType) {
        guard source.type != target else {
            column = source
            return
        }
        let item: ScalarType
        switch (source.type, target) {
        case (.scalar, .scalar(let to)), (.list, .list(let to)): item = to
        case (.fixedList(_, let length), .fixedList(let to, let wanted)) where length == wanted:
            item = to
        default: return nil
        }
        var items = ColumnBuilder(.scalar(item))
        var inexactItems: [Int] = []
        switch (source.type.item, item) {
        case (.int32, .int64):
            for index in 0..<source.values.count / 4 {
                items.append(fixed: Int64(source.load(index, as: Int32.self)))
            }
        case (.float32, .float64):
            for index in 0..<source.values.count / 4 {
                items.append(fixed: Double(source.load(index, as: Float.self)))
            }
        case (.int32, .float64):
            for index in 0..<source.values.count / 4 {
                items.append(fixed: Double(source.load(index, as: Int32.self)))
            }
        case (.int64, .float64):
            for index in 0..<source.values.count / 8 {
                let exact = Double(exactly: source.load(index, as: Int64.self))
                if exact == nil { inexactItems.append(index) }
                items.append(fixed: exact ?? 0)
            }
        default: return nil
        }
        column = Column(
            type: target,
            count: source.count,
            validity: source.validity,
            offsets: source.offsets,
            itemOffsets: [],
            values: items.finish().values
        )
        inexactRows = source.rows(ofItems: inexactItems)
    }
}

extension Column {
    /// The rows that hold these items, which ascend.
    fileprivate func rows(ofItems items: [Int]) -> [Int] {
        guard !items.isEmpty else { return [] }
        switch type {
        case .scalar: return items
        case .fixedList(_, let length): return distinct(items.map { $0 / length })
        case .list:
            var row = 0
            return distinct(
                items.map { item in
                    while Int(offsets[row + 1]) <= item { row += 1 }
                    return row
                }
            )
        }
    }

    private func distinct(_ rows: [Int]) -> [Int] {
        var result: [Int] = []
        for row in rows where row != result.last { result.append(row) }
        return result
    }

    /// Bytes that the value of a row takes.
    func byteCount(_ row: Int) -> Int {
        let items: Range<Int>
        switch type {
        case .scalar(.string), .scalar(.bytes): return Int(offsets[row + 1] - offsets[row])
        case .scalar: return type.item.fixedWidth ?? 1
        case .list: items = Int(offsets[row])..<Int(offsets[row + 1])
        case .fixedList(_, let length): items = row * length..<(row + 1) * length
        }
        guard !itemOffsets.isEmpty else { return items.count * (type.item.fixedWidth ?? 1) }
        return 4 * items.count + Int(itemOffsets[items.upperBound] - itemOffsets[items.lowerBound])
    }
}
