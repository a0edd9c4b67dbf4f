import Codec
import Digest
import Domain

/// The digest of columns that arrive in pieces: `proto/README.md`, "The digest of columns".
final class TableDigest {
    private let schema: Schema
    private var rows: UInt64 = 0
    /// Four for each column: V, L, S, D.
    private let streams: [[SHA256Hasher]]

    init(_ schema: Schema) {
        self.schema = schema
        streams = schema.fields.map { _ in
            CanonicalDigest.Stream.allCases.map { _ in SHA256Hasher() }
        }
    }

    /// The columns of the schema, each with `count` rows more.
    func add(_ columns: [Column], rows count: Int) {
        rows += UInt64(count)
        for (column, hashers) in zip(columns, streams) {
            unsafe CanonicalDigest.write(column) { stream, bytes in
                unsafe hashers[stream.rawValue].update(bytes)
            }
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
