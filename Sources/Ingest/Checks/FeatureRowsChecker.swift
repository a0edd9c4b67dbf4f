import Codec
package import Domain

/// A batch checked against its view: the rows that may be stored, and what is wrong with the
/// others.
package struct CheckedRows: Sendable {
    /// The good rows, of the view's present schema.
    package var rows: FeatureRows
    /// For each of them, the number of the row in the batch.
    package var kept: [Int]
    /// For each row of the batch: `accepted` where it may be stored.
    package var statuses: [PushStatus]
    package var problems: [RowProblem]
}

/// Holds a batch of rows, as it comes from outside, against the definition of its view.
package enum FeatureRowsChecker {
    /// What becomes of rows whose event time lies further ahead than `Limits.maxSkew`.
    package enum FutureRows: Sendable {
        case refused
        case kept
    }

    /// Columns are the join keys and features by name, `@event_time` and perhaps `@created_time`;
    /// features left out are null.
    ///
    /// Throws where a column makes no sense, which is wrong for all rows; a row of its own faults
    /// (a null key, no event time, an event in the future, too large) is refused alone.
    package static func check(
        _ batch: RecordBatch,
        view: FeatureView,
        now: Timestamp,
        futureRows: FutureRows = .refused
    ) throws(AlulaError) -> CheckedRows {
        var columns = try CheckedColumns(batch, view: view)
        columns.refuseNulls()
        if futureRows == .refused { columns.refuseEvents(after: now + Limits.maxSkew) }
        columns.refuseOversized()
        return columns.result(rowCount: batch.rowCount)
    }
}

/// The columns of a batch in the order and of the types of the view, and the verdicts on its rows.
private struct CheckedColumns {
    let view: FeatureView
    var keys: [(name: String, column: Column)] = []
    var event: Column
    var created: Column
    var features: [Column] = []
    private var verdicts: [Int: (status: PushStatus, reason: String)] = [:]

    init(_ batch: RecordBatch, view: FeatureView) throws(AlulaError) {
        self.view = view
        try Self.checkNames(batch.schema, view: view)
        guard let event = batch[RowColumn.eventTime] else {
            throw .invalid(
                "column \"\(RowColumn.eventTime)\" is missing: every row needs an event time"
            )
        }
        self.event = event
        created = batch[RowColumn.createdTime] ?? .nulls(.timestamp, batch.rowCount)
        try Self.checkTime(event, RowColumn.eventTime)
        try Self.checkTime(created, RowColumn.createdTime)
        for key in view.entity.keys {
            let name = key.name.text
            guard let source = batch[name] else {
                throw .invalid(
                    "key column \"\(name)\" is missing: view \(view.name) is keyed by it"
                )
            }
            guard key.type == .int64 || source.type == key.type.valueType,
                let converted = ConvertedColumn(source, to: key.type.valueType)
            else { throw Self.wrongType("key column \"\(name)\"", source, key.type.valueType) }
            keys.append((name, converted.column))
        }
        guard let layout = view.layout(view.schemaVersion) else {
            throw AlulaError(.internal, "view \(view.name) has no layout for its present version")
        }
        let byID = Dictionary(view.features.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
        for slot in layout.slots {
            guard let name = byID[slot.feature]?.name.text, let source = batch[name] else {
                features.append(.nulls(slot.type, batch.rowCount))
                continue
            }
            guard let converted = ConvertedColumn(source, to: slot.type) else {
                throw Self.wrongType("column \"\(name)\"", source, slot.type)
            }
            features.append(converted.column)
            for row in converted.inexactRows {
                refuse(row, "\"\(name)\": an integer that float64 cannot hold exactly")
            }
        }
    }

    mutating func refuse(_ row: Int, _ reason: String, _ status: PushStatus = .invalid) {
        if verdicts[row] == nil { verdicts[row] = (status, reason) }
    }

    /// Refuses rows without a key or an event time.
    mutating func refuseNulls() {
        for key in keys {
            for row in key.column.nullRows {
                refuse(row, "key \"\(key.name)\" is null: every row needs its key")
            }
        }
        for row in event.nullRows {
            refuse(row, "the event time is null: every row needs one")
        }
    }

    mutating func refuseEvents(after latest: Timestamp) {
        let times = event.int64s
        guard times.contains(where: { $0 > latest.microseconds }) else { return }
        for (row, time) in times.enumerated() where time > latest.microseconds {
            refuse(
                row,
                "the event time lies more than \(Limits.maxSkew) ahead of the server's clock",
                .inFuture
            )
        }
    }

    /// Refuses rows over `Limits.rowBytes` and keys over `Limits.keyBytes`.
    mutating func refuseOversized() {
        let allBytes = features.reduce(0) { $0 + BatchCodec.byteCount($1) }
        if allBytes > Limits.rowBytes {
            let varying = features.filter { !$0.type.isFixedSize }
            let fixed =
                event.count == 0
                ? 0 : features.reduce(0) { $0 + ($1.type.isFixedSize ? $1.byteCount(0) : 0) }
            let rows = varying.isEmpty && fixed <= Limits.rowBytes ? 0..<0 : 0..<event.count
            for row in rows
            where varying.reduce(fixed, { $0 + $1.byteCount(row) }) > Limits.rowBytes {
                refuse(row, "its values are over the limit of \(Limits.rowBytes) bytes a row")
            }
        }
        let texts = keys.filter { $0.column.type != .int64 }.map(\.column)
        guard !texts.isEmpty else { return }
        let columns = keys.map(\.column)
        for row in 0..<event.count where verdicts[row] == nil {
            // Escapes and tags at most double a key and add three bytes a part.
            let most = texts.reduce(12 * keys.count) { $0 + 2 * $1.byteCount(row) }
            if most > Limits.keyBytes, KeyCodec.encode(columns, row: row).count > Limits.keyBytes {
                refuse(row, "its key is over the limit of \(Limits.keyBytes) bytes")
            }
        }
    }

    func result(rowCount: Int) -> CheckedRows {
        let rows = FeatureRows(
            view: view.id,
            schemaVersion: view.schemaVersion,
            keys: keys.map { $0.column },
            event: event,
            created: created,
            features: features
        )
        guard !verdicts.isEmpty else {
            return CheckedRows(
                rows: rows,
                kept: Array(0..<rowCount),
                statuses: Array(repeating: .accepted, count: rowCount),
                problems: []
            )
        }
        let kept = (0..<rowCount).filter { verdicts[$0] == nil }
        return CheckedRows(
            rows: rows.taking(kept),
            kept: kept,
            statuses: (0..<rowCount).map { verdicts[$0]?.status ?? .accepted },
            problems: verdicts.sorted { $0.key < $1.key }
                .map { RowProblem(row: $0.key, reason: $0.value.reason) }
        )
    }
}

extension CheckedColumns {
    private static func checkNames(_ schema: Schema, view: FeatureView) throws(AlulaError) {
        var known: Set<String> = [RowColumn.eventTime, RowColumn.createdTime]
        known.formUnion(view.entity.keys.map(\.name.text))
        known.formUnion(view.features.map(\.name.text))
        var seen: Set<String> = []
        for field in schema.fields {
            guard known.contains(field.name) else {
                throw .invalid(
                    "column \"\(field.name)\" is not of view \(view.name)"
                        + hint(field.name, among: known.sorted()),
                    help: "expected its keys, its features, "
                        + "\(RowColumn.eventTime) and \(RowColumn.createdTime)"
                )
            }
            guard seen.insert(field.name).inserted else {
                throw .invalid("column \"\(field.name)\" is there twice")
            }
        }
    }

    private static func checkTime(_ column: Column, _ name: String) throws(AlulaError) {
        guard column.type == .timestamp else {
            throw wrongType("column \"\(name)\"", column, .timestamp)
        }
    }

    private static func wrongType(
        _ what: String,
        _ found: Column,
        _ wanted: ValueType
    ) -> AlulaError {
        .invalid("\(what) is \(found.type): expected \(wanted)")
    }
}

extension Column {
    fileprivate var nullRows: [Int] {
        validity.isEmpty ? [] : (0..<count).filter { !isValid($0) }
    }

    fileprivate static func nulls(_ type: ValueType, _ count: Int) -> Column {
        if let width = type.item.fixedWidth, case .scalar = type, count > 0 {
            return Column(
                type: type,
                count: count,
                validity: [UInt8](repeating: 0, count: (count + 7) / 8),
                offsets: [],
                itemOffsets: [],
                values: [UInt8](repeating: 0, count: width * count)
            )
        }
        var builder = ColumnBuilder(type, reservingRows: count)
        for _ in 0..<count { builder.appendNull() }
        return builder.finish()
    }
}

extension ValueType {
    /// Whether each of its values takes the same room.
    fileprivate var isFixedSize: Bool {
        switch self {
        case .scalar(.string), .scalar(.bytes), .list: false
        case .scalar: true
        case .fixedList(let item, _): item.fixedWidth != nil
        }
    }
}
