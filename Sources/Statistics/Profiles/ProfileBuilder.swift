package import Domain

/// Takes the values of one feature, column by column, and makes its profile.
///
/// At most 256 KiB of numbers are held. The same columns in the same order make the same profile.
package struct ProfileBuilder: Sendable {
    private var profile: FeatureProfile
    private var sampler: NumberSampler
    private var texts = FrequentTexts()
    /// Every value so far; nil when there were too many different ones.
    private var table: NumberTable? = NumberTable()
    private var dimensions: [Double] = []

    /// Numbers that are looked at together, near the processor.
    static let blockRows = 2_048

    package init(name: String, type: ValueType) {
        profile = FeatureProfile(name: name, type: type)
        var seed: UInt64 = 0xA11A
        for byte in name.utf8 { seed = DistinctCounter.hash(seed ^ UInt64(byte)) }
        sampler = NumberSampler(seed: seed)
        if case .fixedList(let item, let length) = type, item.isNumber,
            length <= FeatureProfile.mostDimensions
        {
            dimensions = [Double](repeating: 0, count: length)
        }
    }

    /// The column is of the type announced.
    package mutating func add(_ column: Column) {
        precondition(column.type == profile.type, "a column of another type")
        profile.rows += UInt64(column.count)
        let nulls = column.nullCount
        profile.nulls += UInt64(nulls)
        switch column.type {
        case .scalar(let item):
            switch item {
            case .bool: addBits(column, nulls: nulls)
            case .int32: addNumbers(column, Int32.self, nulls: nulls) { Double($0) }
            case .int64, .timestamp: addNumbers(column, Int64.self, nulls: nulls) { Double($0) }
            case .float32: addNumbers(column, Float.self, nulls: nulls) { Double($0) }
            case .float64: addNumbers(column, Double.self, nulls: nulls) { $0 }
            case .string, .bytes: addTexts(column)
            }
        case .list, .fixedList: addLists(column)
        }
    }

    /// Numbers as they stand in a column's buffer, with one byte a row, 1 where it has a value; the
    /// type announced is one of numbers or times.
    package mutating func add(
        _ values: UnsafeRawBufferPointer,
        present: UnsafeBufferPointer<UInt8>
    ) {
        let rows = present.count
        let nulls = present.contains(0) ? rows - present.reduce(0) { $0 + Int($1) } : 0
        profile.rows += UInt64(rows)
        profile.nulls += UInt64(nulls)
        guard nulls < rows, case .scalar(let item) = profile.type else { return }
        func add<Number: BitwiseCopyable>(
            _ type: Number.Type,
            _ convert: (Number) -> Double
        ) {
            addNumbers(values, type, rows: rows, hasNulls: nulls > 0, convert) {
                Int(present[$0])
            }
        }
        switch item {
        case .int32: add(Int32.self) { Double($0) }
        case .int64, .timestamp: add(Int64.self) { Double($0) }
        case .float32: add(Float.self) { Double($0) }
        case .float64: add(Double.self) { $0 }
        case .bool, .string, .bytes: preconditionFailure("\(item) is no number")
        }
    }

    /// What another one took, of the same feature.
    package mutating func merge(_ other: ProfileBuilder) {
        precondition(other.profile.type == profile.type, "a profile of another type")
        profile.rows += other.profile.rows
        profile.nulls += other.profile.nulls
        profile.notFinite += other.profile.notFinite
        profile.moments.merge(other.profile.moments)
        profile.distinct.merge(other.profile.distinct)
        sampler.merge(other.sampler)
        texts.merge(other.texts)
        for index in dimensions.indices { dimensions[index] += other.dimensions[index] }
        let tables = [table, other.table].compactMap { $0 }
        table = tables.count == 2 ? tables[0].joined(tables[1]) : nil
        if table == nil { for lost in tables { absorb(lost) } }
    }

    package consuming func finish() -> FeatureProfile {
        profile.dimensionSums = dimensions
        texts.reduce()
        profile.texts = texts
        guard profile.kind == .numbers else { return profile }
        if let table {
            absorb(table)
            profile.quantiles = QuantileSketch(table.entries)
            profile.hasEveryValue = true
        } else {
            profile.quantiles = QuantileSketch(
                sampler.kept,
                total: Double(profile.moments.count)
            )
        }
        return profile
    }
}

extension ProfileBuilder {
    /// Values that are counted one by one no longer.
    private mutating func absorb(_ table: NumberTable) {
        for (value, _) in table.entries {
            profile.distinct.add(hash: DistinctCounter.hash(value.bitPattern))
        }
    }

    private mutating func take(_ values: UnsafeBufferPointer<Double>) {
        guard !profile.moments.add(values) else { return takeFinite(values) }
        let finite = values.filter(\.isFinite)
        profile.notFinite += UInt64(values.count - finite.count)
        for value in finite { profile.moments.add(value) }
        finite.withUnsafeBufferPointer { takeFinite($0) }
    }

    private mutating func takeFinite(_ values: UnsafeBufferPointer<Double>) {
        sampler.add(values)
        var counted = 0
        if table != nil {
            counted = table?.add(values) ?? 0
            guard counted < values.count else { return }
            if let full = table { absorb(full) }
            table = nil
        }
        profile.distinct.add(UnsafeBufferPointer(rebasing: values[counted...]))
    }

    @inline(__always)
    private mutating func addNumbers<Number: BitwiseCopyable>(
        _ column: Column,
        _ type: Number.Type,
        nulls: Int,
        _ convert: (Number) -> Double
    ) {
        guard nulls < column.count else { return }
        column.values.withUnsafeBytes { raw in
            addNumbers(raw, type, rows: column.count, hasNulls: nulls > 0, convert) {
                column.isValid($0) ? 1 : 0
            }
        }
    }

    /// Numbers as they stand in memory, of which those of weight 1 are taken and those of 0 left out.
    @inline(__always)
    private mutating func addNumbers<Number: BitwiseCopyable>(
        _ raw: UnsafeRawBufferPointer,
        _ type: Number.Type,
        rows: Int,
        hasNulls: Bool,
        _ convert: (Number) -> Double,
        weight: (Int) -> Int
    ) {
        if type == Double.self, !hasNulls {
            let all = raw.assumingMemoryBound(to: Double.self)
            for start in stride(from: 0, to: rows, by: Self.blockRows) {
                let end = min(start + Self.blockRows, rows)
                take(UnsafeBufferPointer(rebasing: all[start..<end]))
            }
            return
        }
        withUnsafeTemporaryAllocation(of: Double.self, capacity: Self.blockRows) { block in
            for start in stride(from: 0, to: rows, by: Self.blockRows) {
                let end = min(start + Self.blockRows, rows)
                var filled = 0
                // What is left out is overwritten: a branch would be guessed wrong at every other null.
                for row in start..<end {
                    let number = raw.loadUnaligned(
                        fromByteOffset: row &* MemoryLayout<Number>.size,
                        as: Number.self
                    )
                    block[filled] = convert(number)
                    filled &+= hasNulls ? weight(row) : 1
                }
                take(UnsafeBufferPointer(rebasing: block[..<filled]))
            }
        }
    }

    private mutating func addBits(_ column: Column, nulls: Int) {
        // A null's bit is zero.
        let set = column.values.reduce(0) { $0 + $1.nonzeroBitCount }
        for (text, count) in [("true", set), ("false", column.count - nulls - set)]
        where count > 0 {
            let bytes = Array(text.utf8)
            let hash = bytes.withUnsafeBytes { TextHash.of($0) }
            texts.add(hash, times: UInt64(count)) { bytes }
            profile.distinct.add(hash: hash)
        }
    }

    private mutating func addTexts(_ column: Column) {
        let isText = column.type == .scalar(.string)
        column.values.withUnsafeBytes { raw in
            for row in 0..<column.count where column.isValid(row) {
                let range = Int(column.offsets[row])..<Int(column.offsets[row + 1])
                let bytes = UnsafeRawBufferPointer(rebasing: raw[range])
                let hash = TextHash.of(bytes)
                profile.distinct.add(hash: hash)
                texts.add(hash) { FrequentTexts.kept(bytes, isText: isText) }
            }
        }
    }

    /// Norms of lists of numbers, lengths of others.
    private mutating func addLists(_ column: Column) {
        var numbers: [Double] = []
        numbers.reserveCapacity(column.count)
        for row in 0..<column.count where column.isValid(row) {
            let items: Range<Int>
            switch column.type {
            case .fixedList(_, let length): items = row * length..<(row + 1) * length
            case .scalar, .list:
                items = Int(column.offsets[row])..<Int(column.offsets[row + 1])
            }
            guard column.type.item.isNumber else {
                numbers.append(Double(items.count))
                continue
            }
            var squares = 0.0
            for (dimension, item) in items.enumerated() {
                let value = column.number(item)
                squares += value * value
                if dimension < dimensions.count, value.isFinite { dimensions[dimension] += value }
            }
            numbers.append(squares.squareRoot())
        }
        numbers.withUnsafeBufferPointer { take($0) }
    }
}

extension ScalarType {
    /// Whether sums of its values mean something.
    fileprivate var isNumber: Bool {
        switch self {
        case .int32, .int64, .float32, .float64: true
        case .bool, .string, .bytes, .timestamp: false
        }
    }
}

extension Column {
    /// Item `index`, which is a number.
    fileprivate func number(_ index: Int) -> Double {
        switch type.item {
        case .int32: Double(load(index, as: Int32.self))
        case .int64, .timestamp: Double(load(index, as: Int64.self))
        case .float32: Double(load(index, as: Float.self))
        case .float64: load(index, as: Double.self)
        case .bool, .string, .bytes: 0
        }
    }
}
