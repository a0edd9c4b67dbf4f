import Codec
import Digest
import Domain
import Offline

/// The digest of columns that arrive in pieces: `proto/README.md`, "The digest of columns".
///
/// Used by one thread at a time; within `add` each column is hashed by one thread. That is what
/// makes it Sendable.
final class TableDigest: @unchecked Sendable {
    private let schema: Schema
    private var rows: UInt64 = 0
    /// Four for each column: V, L, S, D.
    private let streams: [[SHA256Hasher]]

    /// Rows of columns of no fixed width that are hashed at once.
    private static let pieceRows = 8_192

    init(_ schema: Schema) {
        self.schema = schema
        streams = schema.fields.map { _ in
            CanonicalDigest.Stream.allCases.map { _ in SHA256Hasher() }
        }
    }

    /// The columns of the schema, each with `count` rows more.
    func add(_ columns: [Column], rows count: Int) {
        rows += UInt64(count)
        for (column, hashers) in zip(columns, streams) { TableDigest.add(column, to: hashers) }
    }

    /// Likewise, on all cores; `texts` has the columns of no fixed width.
    func add(_ columns: [GatheredColumn], _ texts: [GatheredTexts?], rows count: Int) {
        rows += UInt64(count)
        let all = Columns(hashers: streams)
        // The body throws nothing.
        try? inParallel(columns.count) { index in
            let hashers = all.hashers[index]
            guard let texts = texts[index] else {
                return unsafe columns[index].writeCanonical { stream, bytes in
                    unsafe hashers[stream.rawValue].update(bytes)
                }
            }
            for start in stride(from: 0, to: count, by: TableDigest.pieceRows) {
                let range = start..<min(start + TableDigest.pieceRows, count)
                TableDigest.add(texts.column(range), to: hashers)
            }
        }
    }

    /// Lets each hasher be used by the one thread that has its column.
    private struct Columns: @unchecked Sendable {
        let hashers: [[SHA256Hasher]]
    }

    private static func add(_ column: Column, to hashers: [SHA256Hasher]) {
        unsafe CanonicalDigest.write(column) { stream, bytes in
            unsafe hashers[stream.rawValue].update(bytes)
        }
    }

    func finish() -> ContentDigest {
        let table = SHA256Hasher()
        table.update(CanonicalDigest.head(rows: rows, columns: schema.fields.count))
        for (field, hashers) in zip(schema.fields, streams) {
            table.update(CanonicalDigest.head(of: field))
            for hasher in hashers { table.update(hasher.finish().bytes) }
        }
        return table.finish()
    }
}
