package import Domain

/// Entity keys as bytes that sort as the keys do, part by part.
///
/// ```
/// int64    03 | 8 bytes, big-endian, sign bit flipped
/// string   06 | UTF-8 with 00 written as 00 FF | 00 01
/// bytes    07 | the bytes with 00 written as 00 FF | 00 01
/// ```
/// Parts follow each other; no part is a prefix of another, so ("1", "12") is not ("11", "2").
package enum KeyCodec {
    package static func encode(_ key: EntityKey) -> [UInt8] {
        var bytes: [UInt8] = []
        for part in key.parts {
            switch part {
            case .int64(let number): append(number, to: &bytes)
            case .string(let text): append(text.utf8, tag: KeyType.string.rawValue, to: &bytes)
            case .bytes(let raw): append(raw, tag: KeyType.bytes.rawValue, to: &bytes)
            }
        }
        return bytes
    }

    /// Appends the key that row `row` of the key columns holds; the columns have no null there.
    package static func append(_ keys: [Column], row: Int, to bytes: inout [UInt8]) {
        for column in keys {
            switch column.type {
            case .int64: append(column.load(row, as: Int64.self), to: &bytes)
            case .string: append(column.slice(row), tag: KeyType.string.rawValue, to: &bytes)
            case .bytes: append(column.slice(row), tag: KeyType.bytes.rawValue, to: &bytes)
            default: preconditionFailure("a key column of type \(column.type)")
            }
        }
    }

    package static func encode(_ keys: [Column], row: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        append(keys, row: row, to: &bytes)
        return bytes
    }

    /// Reads `count` parts; throws where the bytes are not what `encode` writes.
    package static func decode(
        _ bytes: some RandomAccessCollection<UInt8>,
        parts count: Int
    ) throws(AlulaError) -> EntityKey {
        var rest = Array(bytes)[...]
        var parts: [KeyPart] = []
        for _ in 0..<count { parts.append(try takePart(&rest)) }
        guard rest.isEmpty else { throw .corrupt("an entity key is longer than its parts") }
        return EntityKey(parts)
    }

    /// Reads as many parts as there are.
    package static func decode(
        _ bytes: some RandomAccessCollection<UInt8>
    ) throws(AlulaError) -> EntityKey {
        var rest = Array(bytes)[...]
        var parts: [KeyPart] = []
        while !rest.isEmpty { parts.append(try takePart(&rest)) }
        return EntityKey(parts)
    }

    private static func takePart(_ rest: inout ArraySlice<UInt8>) throws(AlulaError) -> KeyPart {
        guard let tag = rest.popFirst(), let type = KeyType(rawValue: tag) else {
            throw .corrupt("an entity key has an unknown part")
        }
        switch type {
        case .int64:
            guard rest.count >= 8 else { throw .corrupt("an entity key ends in an int64") }
            let bits = rest.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            rest = rest.dropFirst(8)
            return .int64(Int64(bitPattern: bits ^ 1 << 63))
        case .string:
            let raw = try takeEscaped(&rest)
            guard let text = String(validating: raw, as: UTF8.self) else {
                throw .corrupt("an entity key holds invalid UTF-8")
            }
            return .string(text)
        case .bytes: return .bytes(try takeEscaped(&rest))
        }
    }

    /// What an int64 takes.
    static let integerBytes = 9

    static func store(_ number: Int64, at target: UnsafeMutableRawPointer) {
        target.storeBytes(of: KeyType.int64.rawValue, as: UInt8.self)
        let bits = UInt64(bitPattern: number) ^ 1 << 63
        target.storeBytes(of: bits.bigEndian, toByteOffset: 1, as: UInt64.self)
    }

    private static func append(_ number: Int64, to bytes: inout [UInt8]) {
        bytes.append(KeyType.int64.rawValue)
        let bits = UInt64(bitPattern: number) ^ 1 << 63
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift)))
        }
    }

    private static func append(_ raw: some Sequence<UInt8>, tag: UInt8, to bytes: inout [UInt8]) {
        bytes.append(tag)
        for byte in raw {
            bytes.append(byte)
            if byte == 0 { bytes.append(0xFF) }
        }
        bytes.append(0)
        bytes.append(1)
    }

    private static func takeEscaped(_ rest: inout ArraySlice<UInt8>) throws(AlulaError) -> [UInt8] {
        var raw: [UInt8] = []
        while let byte = rest.popFirst() {
            guard byte == 0 else {
                raw.append(byte)
                continue
            }
            switch rest.popFirst() {
            case 0xFF: raw.append(0)
            case 0x01: return raw
            default: throw .corrupt("an entity key has a bad escape")
            }
        }
        throw .corrupt("an entity key ends within a part")
    }
}
