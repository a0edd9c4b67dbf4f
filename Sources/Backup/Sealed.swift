import Digest
import Disk
import Domain
import Foundation

/// Values as JSON with a checksum behind them, so that a file cut short or changed is noticed.
///
/// ```
/// the JSON, one line | "sha256 " 64 hexadecimal digits "\n"
/// ```
enum Sealed {
    private static let mark = "sha256 "
    private static let sealBytes = 7 + 64 + 1
    /// No file of these is larger.
    private static let mostBytes: UInt64 = 1 << 30

    static func encode(_ value: some Encodable) throws(AlulaError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let json: [UInt8]
        do {
            json = [UInt8](try encoder.encode(value)) + [UInt8(ascii: "\n")]
        } catch {
            throw AlulaError(.internal, "a manifest could not be written: \(error)")
        }
        return json + Array("\(mark)\(SHA256Hasher.digest(of: json))\n".utf8)
    }

    static func decode<T: Decodable>(
        _ type: T.Type,
        from bytes: [UInt8],
        path: String
    ) throws(AlulaError) -> T {
        guard bytes.count > sealBytes else { throw .corrupt("\(path) is cut short") }
        let json = bytes.dropLast(sealBytes)
        let seal = String(decoding: bytes.suffix(sealBytes), as: UTF8.self)
        guard seal == "\(mark)\(SHA256Hasher.digest(of: Array(json)))\n" else {
            throw .corrupt("\(path) is not as it was written: its checksum does not fit")
        }
        do {
            return try JSONDecoder().decode(type, from: Data(json))
        } catch {
            throw .corrupt("\(path) cannot be read: \(error)")
        }
    }

    /// Nil where there is no such file.
    static func read<T: Decodable>(_ type: T.Type, _ path: String) throws(AlulaError) -> T? {
        guard let bytes = try Files.contents(path, limit: mostBytes) else { return nil }
        return try decode(type, from: bytes, path: path)
    }
}
