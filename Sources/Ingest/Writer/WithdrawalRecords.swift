import Digest
import Domain
import RocksDB

/// What is still to be done online after a withdrawal, kept in the family `meta` from the batch of its
/// log entry on; all integers big-endian.
///
/// ```
/// "retracted/" log entry     -> u8 1, u32 view or u8 0, u32 0 | u64 first entry | u64 last entry
/// "restore/"   online key    -> nothing: a row took the place of a retracted one
/// "expire/"    u32 view      -> i64 event time | u64 log entry: rows older than that, of entries up to
///                               this one, go
/// "retention/" u32 view      -> i64 when retention last ran
/// "forget secret"            -> 32 random bytes, the secret of the directory's keyed hashes
/// ```
struct WithdrawalRecords {
    struct Expiry: Sendable, Hashable {
        var view: FeatureViewID
        var before: Timestamp
        var through: UInt64
    }

    let database: Database

    func retractions() throws(AlulaError) -> [Withdrawals.Retraction] {
        var found: [Withdrawals.Retraction] = []
        try scan(Self.retractedPrefix) { key, value throws(AlulaError) in
            guard key.count == 8, value.count == 21 else { throw .badRecord("a retraction") }
            let (first, last) = (Self.number(value[5..<13]), Self.number(value[13..<21]))
            guard first <= last else { throw .badRecord("a retraction") }
            let view = FeatureViewID(UInt32(truncatingIfNeeded: Self.number(value[1..<5])))
            found.append(
                Withdrawals.Retraction(
                    logEntry: Self.number(key),
                    view: value[0] == 0 ? nil : view,
                    entries: first...last
                )
            )
            return true
        }
        return found
    }

    func put(_ retraction: Withdrawals.Retraction, in batch: WriteBatch) {
        batch.put(
            .meta,
            Self.retractedPrefix + Self.bytes(retraction.logEntry),
            [retraction.view == nil ? 0 : 1] + Self.bytes(retraction.view?.number ?? 0)
                + Self.bytes(retraction.entries.lowerBound)
                + Self.bytes(retraction.entries.upperBound)
        )
    }

    func deleteRetraction(_ logEntry: UInt64, in batch: WriteBatch) {
        batch.delete(.meta, Self.retractedPrefix + Self.bytes(logEntry))
    }

    /// Online keys behind `after` whose rows have to be compared with history, in order.
    func keysToRestore(after: [UInt8]?, limit: Int) throws(AlulaError) -> [[UInt8]] {
        var keys: [[UInt8]] = []
        try scan(Self.restorePrefix, after: after) { key, _ in
            keys.append(Array(key))
            return keys.count < limit
        }
        return keys
    }

    func putToRestore(_ onlineKey: some Collection<UInt8>, in batch: WriteBatch) {
        batch.put(.meta, Self.restorePrefix + Array(onlineKey), [])
    }

    func deleteToRestore(_ onlineKey: [UInt8], in batch: WriteBatch) {
        batch.delete(.meta, Self.restorePrefix + onlineKey)
    }

    /// Where all keys to restore stand in `meta`.
    static var restoreRange: Database.KeyRange {
        Database.KeyRange(.meta, first: restorePrefix, last: restorePrefix + [0xFF])
    }

    func expiries() throws(AlulaError) -> [Expiry] {
        var found: [Expiry] = []
        try scan(Self.expirePrefix) { key, value throws(AlulaError) in
            guard key.count == 4, value.count == 16 else { throw .badRecord("a retention") }
            found.append(
                Expiry(
                    view: FeatureViewID(UInt32(truncatingIfNeeded: Self.number(key))),
                    before: Self.time(value[0..<8]),
                    through: Self.number(value[8..<16])
                )
            )
            return true
        }
        return found
    }

    func put(_ expiry: Expiry, in batch: WriteBatch) {
        batch.put(
            .meta,
            Self.expirePrefix + Self.bytes(expiry.view.number),
            Self.bytes(expiry.before) + Self.bytes(expiry.through)
        )
    }

    func deleteExpiry(_ view: FeatureViewID, in batch: WriteBatch) {
        batch.delete(.meta, Self.expirePrefix + Self.bytes(view.number))
    }

    /// When the retention of a view last ran; nil before the first time.
    func retentionTime(_ view: FeatureViewID) throws(AlulaError) -> Timestamp? {
        try database.get(.meta, Self.retentionPrefix + Self.bytes(view.number))
            .map { Self.time($0[...]) }
    }

    func putRetentionTime(_ time: Timestamp, _ view: FeatureViewID, in batch: WriteBatch) {
        batch.put(.meta, Self.retentionPrefix + Self.bytes(view.number), Self.bytes(time))
    }

    /// The secret of the directory's keyed hashes, made the first time.
    func secret() throws(AlulaError) -> [UInt8] {
        if let secret = try database.get(.meta, Self.secretKey) { return secret }
        let secret = try RandomBytes.make(32)
        let batch = WriteBatch(database)
        batch.put(.meta, Self.secretKey, secret)
        try database.write(batch, .synced)
        return secret
    }
}

extension WithdrawalRecords {
    private static let retractedPrefix = Array("retracted/".utf8)
    private static let restorePrefix = Array("restore/".utf8)
    private static let expirePrefix = Array("expire/".utf8)
    private static let retentionPrefix = Array("retention/".utf8)
    private static let secretKey = Array("forget secret".utf8)

    /// Walks the keys of a prefix, which are given without it, until the body answers false.
    private func scan(
        _ prefix: [UInt8],
        after: [UInt8]? = nil,
        _ body: (ArraySlice<UInt8>, [UInt8]) throws(AlulaError) -> Bool
    ) throws(AlulaError) {
        let start = after.map { prefix + $0 + [0] } ?? prefix
        try database.scan(.meta, from: start) { key, value throws(AlulaError) in
            guard key.starts(with: prefix) else { return false }
            return try body(key.dropFirst(prefix.count), value)
        }
    }

    private static func bytes<T: FixedWidthInteger>(_ number: T) -> [UInt8] {
        stride(from: T.bitWidth - 8, through: 0, by: -8).map {
            UInt8(truncatingIfNeeded: number >> T($0))
        }
    }

    private static func bytes(_ time: Timestamp) -> [UInt8] { bytes(time.microseconds) }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func time(_ bytes: ArraySlice<UInt8>) -> Timestamp {
        Timestamp(microseconds: Int64(bitPattern: number(bytes)))
    }
}

extension AlulaError {
    fileprivate static func badRecord(_ what: String) -> AlulaError {
        .corrupt("the online store's note of \(what) cannot be read")
    }
}
