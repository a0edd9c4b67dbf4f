import Domain

/// Reads fixed-width little-endian fields from bytes that may be cut short.
struct ByteReader {
    private let bytes: ArraySlice<UInt8>
    private(set) var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    mutating func take(_ count: Int) throws(AlulaError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= bytes.endIndex - position else {
            throw .corrupt("a log entry is cut short")
        }
        defer { position += count }
        return bytes[position..<position + count]
    }

    mutating func integer<T: FixedWidthInteger>(_ type: T.Type) throws(AlulaError) -> T {
        var value: T = 0
        for byte in try take(type.bitWidth / 8).reversed() {
            value = value << 8 | T(truncatingIfNeeded: byte)
        }
        return value
    }

    mutating func rest() -> ArraySlice<UInt8> {
        defer { position = bytes.endIndex }
        return bytes[position...]
    }
}

extension [UInt8] {
    /// Appends a number, least significant byte first.
    mutating func append<T: FixedWidthInteger>(littleEndian value: T) {
        for shift in stride(from: 0, to: T.bitWidth, by: 8) {
            append(UInt8(truncatingIfNeeded: value >> T(shift)))
        }
    }
}
