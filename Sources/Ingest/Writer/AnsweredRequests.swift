import Domain
import RocksDB

/// The answers to writes by request id, kept in the family `meta` in the same batch as the write,
/// so that a repeat gets the first answer.
///
/// ```
/// "answer/"   request id                     -> the answer
/// "answered/" time, big-endian, request id   -> nothing; finds what is old
/// "import/"   import id                      -> the log entry that published it, big-endian
/// ```
struct AnsweredRequests {
    let database: Database

    func answer(to requestID: [UInt8]) throws(AlulaError) -> [UInt8]? {
        try database.get(.meta, Self.answerPrefix + requestID)
    }

    func record(
        _ answer: [UInt8],
        to requestID: [UInt8],
        at time: Timestamp,
        in batch: WriteBatch
    ) {
        batch.put(.meta, Self.answerPrefix + requestID, answer)
        batch.put(.meta, Self.timePrefix + Self.bigEndian(time) + requestID, [])
    }

    /// Adds to the batch the removal of answers given before `time`, the oldest first, and tells how
    /// many they are.
    func sweep(
        before time: Timestamp,
        most: Int,
        in batch: WriteBatch
    ) throws(AlulaError) -> Int {
        var count = 0
        let prefix = Self.timePrefix.count + 8
        try database.scan(
            .meta,
            from: Self.timePrefix,
            to: Self.timePrefix + Self.bigEndian(time)
        ) { key, _ in
            batch.delete(.meta, key)
            batch.delete(.meta, Self.answerPrefix + key.dropFirst(prefix))
            count += 1
            return count < most
        }
        return count
    }

    /// The log entry that published an import; nil where none did.
    func publication(of importID: String) throws(AlulaError) -> UInt64? {
        guard let bytes = try database.get(.meta, Self.importPrefix + Array(importID.utf8)) else {
            return nil
        }
        return bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The imports that were published, by their ids.
    func publications() throws(AlulaError) -> [String] {
        var ids: [String] = []
        // "0" comes behind "/".
        try database.scan(.meta, from: Self.importPrefix, to: Array("import0".utf8)) { key, _ in
            ids.append(String(decoding: key.dropFirst(Self.importPrefix.count), as: UTF8.self))
            return true
        }
        return ids
    }

    func recordPublication(of importID: String, in entry: UInt64, in batch: WriteBatch) {
        batch.put(.meta, Self.importPrefix + Array(importID.utf8), Self.bigEndian(entry))
    }

    private static let answerPrefix = Array("answer/".utf8)
    private static let timePrefix = Array("answered/".utf8)
    private static let importPrefix = Array("import/".utf8)

    /// The sign bit is flipped, so that times before 1970 sort first.
    private static func bigEndian(_ time: Timestamp) -> [UInt8] {
        bigEndian(UInt64(bitPattern: time.microseconds) ^ 1 << 63)
    }

    private static func bigEndian(_ number: UInt64) -> [UInt8] {
        stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> UInt64($0)) }
    }
}
