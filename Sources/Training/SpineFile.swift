import Artifacts
import Codec
import Domain

/// The kept spine of a training set, as an artifact.
///
/// Equal spines are equal bytes, however they arrived.
///
/// ```
/// "alula spine 1\n"
/// u32 columns, then for each: u32 length, name in UTF-8 | u32 length, type as text
/// for each page of 1,024 rows (the last may be shorter): u32 length | record batch (BatchCodec)
/// u32 0 | u64 rows
/// ```
///
/// Integers are little-endian.
enum SpineFile {
    static let magic = Array("alula spine 1\n".utf8)

    static func append<T: FixedWidthInteger>(_ number: T, to bytes: inout [UInt8]) {
        for shift in stride(from: 0, to: T.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> T(shift)))
        }
    }
}

final class SpineFileWriter {
    private let artifact: ArtifactWriter

    init(_ artifact: ArtifactWriter, schema: Schema) throws {
        self.artifact = artifact
        var bytes = SpineFile.magic
        SpineFile.append(UInt32(schema.fields.count), to: &bytes)
        for field in schema.fields {
            for text in [field.name, field.type.description] {
                SpineFile.append(UInt32(text.utf8.count), to: &bytes)
                bytes.append(contentsOf: text.utf8)
            }
        }
        try artifact.append(bytes)
    }

    func append(_ page: RecordBatch) throws {
        let batch = BatchCodec.encode(page)
        guard let length = UInt32(exactly: batch.count) else {
            throw AlulaError(
                .resourceExhausted,
                "\(page.rowCount) rows of the spine take over 4 GiB"
            )
        }
        var bytes: [UInt8] = []
        SpineFile.append(length, to: &bytes)
        try artifact.append(bytes)
        try artifact.append(batch)
    }

    func finish(rows: Int) throws -> ContentDigest {
        var bytes: [UInt8] = []
        SpineFile.append(UInt32(0), to: &bytes)
        SpineFile.append(UInt64(rows), to: &bytes)
        try artifact.append(bytes)
        return try artifact.finish(expecting: nil).digest
    }
}

/// Reads a kept spine page by page.
enum SpineFileReader {
    /// Gives each page in order; a spine without rows gives one empty page.
    ///
    /// Throws where the file is not a whole spine.
    static func read(
        _ digest: ContentDigest,
        in artifacts: ArtifactStore,
        body: (RecordBatch) throws -> Void
    ) throws {
        var parser = SpineParser()
        try artifacts.read(digest, chunkBytes: 1 << 20) { chunk in
            parser.add(chunk)
            while let page = try parser.next() { try body(page) }
        }
        let schema = try parser.finish()
        guard parser.rows == 0 else { return }
        let columns = try schema.fields.map { try Column($0.type, []) }
        try body(RecordBatch(schema: schema, columns: columns, rowCount: 0))
    }
}

/// Takes the bytes of a kept spine in any pieces.
struct SpineParser {
    private var bytes: [UInt8] = []
    private var position = 0
    private var schema: Schema?
    private(set) var rows: UInt64 = 0
    private var isComplete = false

    mutating func add(_ chunk: [UInt8]) {
        bytes.removeFirst(position)
        position = 0
        bytes.append(contentsOf: chunk)
    }

    /// The next page; nil where more bytes are wanted or all are read.
    mutating func next() throws(AlulaError) -> RecordBatch? {
        guard !isComplete else { return nil }
        if schema == nil {
            guard let read = try readSchema() else { return nil }
            schema = read
        }
        guard let schema, let length = number(UInt32.self, at: position) else { return nil }
        guard length > 0 else {
            guard let total = number(UInt64.self, at: position + 4) else { return nil }
            guard total == rows else { throw SpineParser.damaged }
            position += 12
            isComplete = true
            return nil
        }
        let start = position + 4
        guard bytes.count - start >= Int(length) else { return nil }
        let batch = try BatchCodec.decode(
            Array(bytes[start..<start + Int(length)]),
            schema: schema,
            maxRows: SpinePages.pageRows
        )
        position = start + Int(length)
        rows += UInt64(batch.rowCount)
        return batch
    }

    /// Throws where the end is missing or something stands behind it.
    func finish() throws(AlulaError) -> Schema {
        guard isComplete, position == bytes.count, let schema else { throw SpineParser.damaged }
        return schema
    }

    private static let damaged = AlulaError.corrupt("a kept spine is damaged or cut short")

    private mutating func readSchema() throws(AlulaError) -> Schema? {
        let magic = SpineFile.magic
        guard bytes.count >= magic.count else { return nil }
        guard bytes.starts(with: magic) else { throw SpineParser.damaged }
        guard let count = number(UInt32.self, at: magic.count) else { return nil }
        guard count <= Limits.columns else { throw SpineParser.damaged }
        var offset = magic.count + 4
        var fields: [Schema.Field] = []
        for _ in 0..<count {
            guard let name = try text(at: &offset), let type = try text(at: &offset) else {
                return nil
            }
            guard let type = ValueType(text: type) else { throw SpineParser.damaged }
            fields.append(Schema.Field(name: name, type: type))
        }
        position = offset
        return Schema(fields: fields)
    }

    private func text(at offset: inout Int) throws(AlulaError) -> String? {
        guard let length = number(UInt32.self, at: offset) else { return nil }
        guard length <= Limits.controlBytes else { throw SpineParser.damaged }
        guard bytes.count - offset - 4 >= Int(length) else { return nil }
        let raw = bytes[offset + 4..<offset + 4 + Int(length)]
        guard let text = String(validating: raw, as: UTF8.self) else { throw SpineParser.damaged }
        offset += 4 + Int(length)
        return text
    }

    private func number<T: FixedWidthInteger>(_ type: T.Type, at offset: Int) -> T? {
        let size = T.bitWidth / 8
        guard bytes.count - offset >= size else { return nil }
        return bytes[offset..<offset + size].reversed().reduce(0) { $0 << 8 | T($1) }
    }
}
