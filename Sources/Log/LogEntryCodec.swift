import Codec
import Domain

/// A log entry as bytes, readable without the catalog; integers little-endian.
///
/// ```
/// u8 format 1 | u8 kind | i64 recorded
/// kind 1, push:            u32 view | u32 schema version | u16 keys | u8 key type, each
///                          u16 features | each: u32 feature, u8 item type, u8 shape, u32 length
///                          record batch
/// kind 2, publish import:  u32 view | u64 rows | u16 length | import id in UTF-8
/// kind 3, retract:         u8 scope | u32 view | u64 first entry | u64 last entry
/// kind 4, forget:          u32 entity | u32 views, each u32 | u16 length, canonical key |
///                          32 bytes keyed hash
/// kind 5, retire:          u32 view | i64 merge
/// u64 xxHash64 of all bytes before
/// ```
/// Scope: 0 all views (and the view is 0), 1 this view. Shapes: 0 one value, 1 list, 2 list of `length`. The batch holds the keys, the event time, the
/// created time (null where none was given) and the features.
enum LogEntryCodec {
    private static let format: UInt8 = 1

    private enum Kind: UInt8 {
        case push = 1
        case publish = 2
        case retract = 3
        case forget = 4
        case retire = 5
    }

    /// An entry made ready to be written where it belongs.
    struct Encoded {
        fileprivate var head: [UInt8]
        /// The record batch behind the head, where the entry has rows.
        fileprivate var rows: BatchAssembler?

        var byteCount: Int { head.count + (rows?.byteCount ?? 0) + LogEntryCodec.checksumBytes }

        /// Fills `byteCount` bytes.
        func write(to target: UnsafeMutableRawBufferPointer) {
            let end = byteCount - LogEntryCodec.checksumBytes
            unsafe target.copyBytes(from: head)
            if let rows {
                unsafe rows.write(to: .init(rebasing: target[head.count..<end]))
            }
            let body = unsafe UnsafeRawBufferPointer(rebasing: target[..<end])
            unsafe target.storeBytes(
                of: Checksum.xxh64(body).littleEndian,
                toByteOffset: end,
                as: UInt64.self
            )
        }
    }

    static func encode(_ entry: LogEntry) -> Encoded {
        var bytes: [UInt8] = [format, kind(of: entry.change).rawValue]
        bytes.append(littleEndian: entry.recorded.microseconds)
        switch entry.change {
        case .push(let rows, let layout):
            append(rows, layout, to: &bytes)
            let columns = rows.keys + [rows.event, rows.created] + rows.features
            return Encoded(
                head: bytes,
                rows: BatchAssembler(columns.map { .column($0) }, rows: 0..<rows.count)
            )
        case .publishImport(let importID, let view, let rows):
            bytes.append(littleEndian: view.number)
            bytes.append(littleEndian: rows)
            bytes.append(littleEndian: UInt16(importID.utf8.count))
            bytes.append(contentsOf: importID.utf8)
        case .retract(let view, let entries):
            bytes.append(view == nil ? 0 : 1)
            bytes.append(littleEndian: view?.number ?? 0)
            bytes.append(littleEndian: entries.lowerBound)
            bytes.append(littleEndian: entries.upperBound)
        case .forget(let entity, let views, let key, let keyHash):
            precondition(keyHash.count == keyHashBytes)
            bytes.append(littleEndian: entity.number)
            bytes.append(littleEndian: UInt32(views.count))
            for view in views { bytes.append(littleEndian: view.number) }
            bytes.append(littleEndian: UInt16(key.count))
            bytes.append(contentsOf: key)
            bytes.append(contentsOf: keyHash)
        case .retire(let view, let merge):
            bytes.append(littleEndian: view.number)
            bytes.append(littleEndian: merge)
        }
        return Encoded(head: bytes, rows: nil)
    }

    static func decode(_ bytes: RawSpan) throws(AlulaError) -> LogEntry {
        let result: Result<LogEntry, AlulaError> = unsafe bytes.withUnsafeBytes { raw in
            Result { () throws(AlulaError) in try unsafe decode(raw) }
        }
        return try result.get()
    }

    private static func decode(_ bytes: UnsafeRawBufferPointer) throws(AlulaError) -> LogEntry {
        let end = bytes.count - checksumBytes
        guard end > 0 else { throw .corrupt("a log entry is cut short") }
        let body = unsafe UnsafeRawBufferPointer(rebasing: bytes[..<end])
        let stored = unsafe bytes.loadUnaligned(fromByteOffset: end, as: UInt64.self)
        let checksum = unsafe Checksum.xxh64(body)
        guard UInt64(littleEndian: stored) == checksum else {
            throw .corrupt("a log entry does not match its checksum")
        }
        var reader = unsafe ByteReader(body)
        let format = try reader.integer(UInt8.self)
        let code = try reader.integer(UInt8.self)
        guard format == Self.format, let kind = Kind(rawValue: code) else {
            throw .corrupt("a log entry is of the unknown format \(format), kind \(code)")
        }
        let recorded = Timestamp(microseconds: try reader.integer(Int64.self))
        let change: LogEntry.Change =
            switch kind {
            case .push: try push(&reader)
            case .publish: try publication(&reader)
            case .retract: try retraction(&reader)
            case .forget: try forgetting(&reader)
            case .retire:
                .retire(
                    view: FeatureViewID(try reader.integer(UInt32.self)),
                    merge: try reader.integer(Int64.self)
                )
            }
        guard reader.isAtEnd else {
            throw .corrupt("a log entry is longer than what it says")
        }
        return LogEntry(recorded: recorded, change: change)
    }

    fileprivate static let checksumBytes = 8
    private static let keyHashBytes = 32

    private static func kind(of change: LogEntry.Change) -> Kind {
        switch change {
        case .push: .push
        case .publishImport: .publish
        case .retract: .retract
        case .forget: .forget
        case .retire: .retire
        }
    }

    private static func publication(
        _ reader: inout ByteReader
    ) throws(AlulaError) -> LogEntry.Change {
        let view = FeatureViewID(try reader.integer(UInt32.self))
        let rows = try reader.integer(UInt64.self)
        let text = Array(try reader.take(Int(try reader.integer(UInt16.self))))
        guard let importID = String(validating: text, as: UTF8.self) else {
            throw .corrupt("a log entry names no import")
        }
        return .publishImport(importID: importID, view: view, rows: rows)
    }

    private static func retraction(
        _ reader: inout ByteReader
    ) throws(AlulaError) -> LogEntry.Change {
        let scope = try reader.integer(UInt8.self)
        let view = try reader.integer(UInt32.self)
        let first = try reader.integer(UInt64.self)
        let last = try reader.integer(UInt64.self)
        guard scope <= 1, scope == 1 || view == 0, first <= last else {
            throw .corrupt("a log entry retracts what cannot be")
        }
        return .retract(view: scope == 1 ? FeatureViewID(view) : nil, entries: first...last)
    }

    private static func forgetting(
        _ reader: inout ByteReader
    ) throws(AlulaError) -> LogEntry.Change {
        let entity = EntityID(try reader.integer(UInt32.self))
        var views: [FeatureViewID] = []
        for _ in 0..<(try reader.integer(UInt32.self)) {
            views.append(FeatureViewID(try reader.integer(UInt32.self)))
        }
        let key = Array(try reader.take(Int(try reader.integer(UInt16.self))))
        let keyHash = Array(try reader.take(keyHashBytes))
        return .forget(entity: entity, views: views, key: key, keyHash: keyHash)
    }
}

extension LogEntryCodec {
    private static func append(
        _ rows: FeatureRows,
        _ layout: RowLayout,
        to bytes: inout [UInt8]
    ) {
        precondition(rows.schemaVersion == layout.version)
        precondition(rows.features.map(\.type) == layout.slots.map(\.type))
        bytes.append(littleEndian: rows.view.number)
        bytes.append(littleEndian: rows.schemaVersion)
        bytes.append(littleEndian: UInt16(rows.keys.count))
        bytes.append(contentsOf: rows.keys.map(\.type.item.rawValue))
        bytes.append(littleEndian: UInt16(rows.features.count))
        for slot in layout.slots {
            bytes.append(littleEndian: slot.feature.number)
            append(slot.type, to: &bytes)
        }
    }

    private static func push(_ reader: inout ByteReader) throws(AlulaError) -> LogEntry.Change {
        let view = FeatureViewID(try reader.integer(UInt32.self))
        let schemaVersion = try reader.integer(UInt32.self)
        var keys: [ValueType] = []
        for _ in 0..<(try reader.integer(UInt16.self)) {
            guard let type = KeyType(rawValue: try reader.integer(UInt8.self)) else {
                throw .corrupt("a log entry has a key of an unknown type")
            }
            keys.append(type.valueType)
        }
        var slots: [RowLayout.Slot] = []
        for _ in 0..<(try reader.integer(UInt16.self)) {
            let feature = FeatureID(try reader.integer(UInt32.self))
            slots.append(RowLayout.Slot(feature: feature, type: try type(&reader)))
        }
        let batch: RecordBatch
        do {
            batch = try unsafe BatchCodec.decode(
                reader.rest(),
                schema: schema(keys: keys, features: slots.map(\.type))
            )
        } catch {
            throw .corrupt("a log entry: \(error.message)")
        }
        let required = batch.columns[...keys.count]
        guard required.allSatisfy(\.validity.isEmpty) else {
            throw .corrupt("a log entry has a null in a key or an event time")
        }
        let rows = FeatureRows(
            view: view,
            schemaVersion: schemaVersion,
            keys: Array(required.dropLast()),
            event: batch.columns[keys.count],
            created: batch.columns[keys.count + 1],
            features: Array(batch.columns[(keys.count + 2)...])
        )
        return .push(rows, layout: RowLayout(version: schemaVersion, slots: slots))
    }

    private static func append(_ type: ValueType, to bytes: inout [UInt8]) {
        bytes.append(type.item.rawValue)
        switch type {
        case .scalar:
            bytes.append(0)
            bytes.append(littleEndian: UInt32(0))
        case .list:
            bytes.append(1)
            bytes.append(littleEndian: UInt32(0))
        case .fixedList(_, let length):
            bytes.append(2)
            bytes.append(littleEndian: UInt32(length))
        }
    }

    private static func type(_ reader: inout ByteReader) throws(AlulaError) -> ValueType {
        let item = ScalarType(rawValue: try reader.integer(UInt8.self))
        let shape = try reader.integer(UInt8.self)
        let length = Int(try reader.integer(UInt32.self))
        switch (item, shape) {
        case (let item?, 0): return .scalar(item)
        case (let item?, 1): return .list(item)
        case (let item?, 2) where (1...Limits.listLength).contains(length):
            return .fixedList(item, length: length)
        default: throw .corrupt("a log entry has a feature of an unknown type")
        }
    }

    private static func schema(keys: [ValueType], features: [ValueType]) -> Schema {
        let keyFields = keys.enumerated().map { Schema.Field(name: "key \($0)", type: $1) }
        let times = [RowColumn.eventTime, RowColumn.createdTime].map {
            Schema.Field(name: $0, type: .timestamp)
        }
        let featureFields = features.enumerated().map {
            Schema.Field(name: "feature \($0)", type: $1)
        }
        return Schema(fields: keyFields + times + featureFields)
    }
}
