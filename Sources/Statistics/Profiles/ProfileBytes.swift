package import Domain

/// The profiles of a table's columns.
package struct TableProfile: Sendable, Hashable {
    package var rows: UInt64
    package var features: [FeatureProfile]

    package init(rows: UInt64, features: [FeatureProfile]) {
        self.rows = rows
        self.features = features
    }

    package subscript(name: String) -> FeatureProfile? { features.first { $0.name == name } }
}

/// Layout, all little-endian; `text` is a UInt32 length and bytes:
///
/// ```
/// u8 version = 1 | u64 rows | u32 features, each:
///   text name | text type | u64 rows, nulls, expired, not found, late, not finite
///   u64 count | f64 mean, squares, minimum, maximum | u8 has every value
///   u32 points, each f64 value | f64 total where they share it evenly, else 0 and each f64 cumulative
///   u32 registers that are not zero: at most 1,365: each u16 register, u8 place; else 4,096 u8
///   u64 lost | u32 texts, each u64 hash, u64 count, text
///   u32 dimensions, each f64 sum
/// ```
extension TableProfile {
    private static let version: UInt8 = 1
    private static let mostSparse = 1_365

    package func encoded() -> [UInt8] {
        var writer = ProfileWriter()
        writer.put(Self.version)
        writer.put(rows)
        writer.put(UInt32(features.count))
        for feature in features { Self.write(feature, to: &writer) }
        return writer.bytes
    }

    private static func write(_ feature: FeatureProfile, to writer: inout ProfileWriter) {
        writer.put(text: Array(feature.name.utf8))
        writer.put(text: Array(feature.type.description.utf8))
        for count in [
            feature.rows, feature.nulls, feature.expired, feature.notFound, feature.late,
            feature.notFinite, feature.moments.count,
        ] { writer.put(count) }
        let moments = feature.moments
        for number in [moments.mean, moments.squares, moments.minimum, moments.maximum] {
            writer.put(number.bitPattern)
        }
        writer.put(UInt8(feature.hasEveryValue ? 1 : 0))
        writer.put(UInt32(feature.quantiles.points.count))
        let sketch = feature.quantiles
        for value in sketch.points { writer.put(value.bitPattern) }
        if sketch.cumulative == QuantileSketch.even(sketch.points.count, sketch.count) {
            writer.put(sketch.count.bitPattern)
        } else {
            writer.put(0.0.bitPattern)
            for upTo in sketch.cumulative { writer.put(upTo.bitPattern) }
        }
        let places = feature.distinct.places
        let used = places.indices.filter { places[$0] != 0 }
        writer.put(UInt32(used.count))
        if used.count <= mostSparse {
            for register in used {
                writer.put(UInt16(register))
                writer.put(places[register])
            }
        } else {
            writer.bytes += places
        }
        let texts = feature.texts.ordered.prefix(FrequentTexts.most)
        writer.put(feature.texts.lost)
        writer.put(UInt32(texts.count))
        for (hash, text, count) in texts {
            writer.put(hash)
            writer.put(count)
            writer.put(text: text)
        }
        writer.put(UInt32(feature.dimensionSums.count))
        for sum in feature.dimensionSums { writer.put(sum.bitPattern) }
    }

    package init(decoding bytes: [UInt8]) throws(AlulaError) {
        var reader = ProfileReader(bytes)
        guard try reader.take(UInt8.self) == Self.version else {
            throw .corrupt("a profile is of a version that is not known")
        }
        rows = try reader.take(UInt64.self)
        // Each feature takes more than 64 bytes.
        let count = try reader.count(itemBytes: 64)
        features = []
        for _ in 0..<count { features.append(try Self.feature(from: &reader)) }
        guard reader.isAtEnd else { throw .corrupt("a profile has bytes behind its end") }
    }

    private static func feature(
        from reader: inout ProfileReader
    ) throws(AlulaError) -> FeatureProfile {
        let name = String(decoding: try reader.text(), as: UTF8.self)
        let type = String(decoding: try reader.text(), as: UTF8.self)
        guard let type = ValueType(text: type) else {
            throw .corrupt("a profile has a type that is not known")
        }
        var feature = FeatureProfile(name: name, type: type)
        feature.rows = try reader.take(UInt64.self)
        feature.nulls = try reader.take(UInt64.self)
        feature.expired = try reader.take(UInt64.self)
        feature.notFound = try reader.take(UInt64.self)
        feature.late = try reader.take(UInt64.self)
        feature.notFinite = try reader.take(UInt64.self)
        feature.moments = Moments(
            count: try reader.take(UInt64.self),
            mean: try reader.number(),
            squares: try reader.number(),
            minimum: try reader.number(),
            maximum: try reader.number()
        )
        guard feature.moments.isSound else {
            throw .corrupt("the mean, deviation or range of a profile is out of range")
        }
        feature.hasEveryValue = try reader.take(UInt8.self) == 1
        feature.quantiles = try quantiles(from: &reader)
        feature.distinct = try distinct(from: &reader)
        feature.texts = try texts(from: &reader)
        for _ in 0..<(try reader.count(itemBytes: 8)) {
            feature.dimensionSums.append(try reader.number())
        }
        return feature
    }

    private static func quantiles(
        from reader: inout ProfileReader
    ) throws(AlulaError) -> QuantileSketch {
        var points: [Double] = []
        for _ in 0..<(try reader.count(itemBytes: 8)) { points.append(try reader.number()) }
        let total = try reader.number()
        var cumulative = QuantileSketch.even(points.count, total)
        if total == 0 {
            for place in cumulative.indices { cumulative[place] = try reader.number() }
        }
        guard let sketch = QuantileSketch(points: points, cumulative: cumulative) else {
            throw .corrupt("the quantiles of a profile are not in order")
        }
        return sketch
    }

    private static func distinct(
        from reader: inout ProfileReader
    ) throws(AlulaError) -> DistinctCounter {
        let used = Int(try reader.take(UInt32.self))
        var places = [UInt8](repeating: 0, count: DistinctCounter.registers)
        if used <= mostSparse {
            for _ in 0..<used {
                let register = Int(try reader.take(UInt16.self))
                let place = try reader.take(UInt8.self)
                guard register < places.count else {
                    throw .corrupt("a profile counts in a register that there is not")
                }
                places[register] = place
            }
        } else {
            for register in places.indices { places[register] = try reader.take(UInt8.self) }
        }
        guard let counter = DistinctCounter(places: places) else {
            throw .corrupt("a profile has a register that is out of range")
        }
        return counter
    }

    private static func texts(
        from reader: inout ProfileReader
    ) throws(AlulaError) -> FrequentTexts {
        let lost = try reader.take(UInt64.self)
        var entries: [(hash: UInt64, text: [UInt8], count: UInt64)] = []
        for _ in 0..<(try reader.count(itemBytes: 20)) {
            let hash = try reader.take(UInt64.self)
            let count = try reader.take(UInt64.self)
            entries.append((hash, try reader.text(), count))
        }
        guard let texts = FrequentTexts(entries, lost: lost) else {
            throw .corrupt("the frequent values of a profile are out of range")
        }
        return texts
    }
}

private struct ProfileWriter {
    var bytes: [UInt8] = []

    mutating func put<Number: FixedWidthInteger>(_ number: Number) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func put(text: [UInt8]) {
        put(UInt32(text.count))
        bytes += text
    }
}

private struct ProfileReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    mutating func take<Number: FixedWidthInteger>(
        _ type: Number.Type
    ) throws(AlulaError) -> Number {
        let width = MemoryLayout<Number>.size
        guard bytes.count - position >= width else { throw .corrupt("a profile ends early") }
        defer { position += width }
        return bytes.withUnsafeBytes {
            Number(littleEndian: $0.loadUnaligned(fromByteOffset: position, as: Number.self))
        }
    }

    mutating func number() throws(AlulaError) -> Double {
        Double(bitPattern: try take(UInt64.self))
    }

    /// How many items follow, each of at least so many bytes, all of which must be there.
    mutating func count(itemBytes: Int) throws(AlulaError) -> Int {
        let count = Int(try take(UInt32.self))
        guard count <= (bytes.count - position) / itemBytes else {
            throw .corrupt("a profile announces more than it has")
        }
        return count
    }

    mutating func text() throws(AlulaError) -> [UInt8] {
        let length = try count(itemBytes: 1)
        defer { position += length }
        return Array(bytes[position..<position + length])
    }
}
