import Domain

/// Reads fixed-width little-endian fields from bytes that may be cut short, and that stay where they
/// are for as long as this is used.
@safe
struct ByteReader {
    private let bytes: UnsafeRawBufferPointer
    private let end: Int
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        unsafe self.bytes = bytes
        end = bytes.count
    }

    var isAtEnd: Bool { position == end }

    mutating func take(_ count: Int) throws(AlulaError) -> [UInt8] {
        guard count >= 0, count <= end - position else {
            throw .corrupt("a log entry is cut short")
        }
        defer { position += count }
        return unsafe Array(bytes[position..<position + count])
    }

    mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(
        _ type: T.Type
    ) throws(AlulaError) -> T {
        let size = T.bitWidth / 8
        guard size <= end - position else {
            throw .corrupt("a log entry is cut short")
        }
        defer { position += size }
        return T(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: position, as: T.self))
    }

    /// All that is left.
    mutating func rest() -> UnsafeRawBufferPointer {
        defer { position = end }
        return unsafe UnsafeRawBufferPointer(rebasing: bytes[position...])
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
