/// Rows of one view, checked against it: no null key, no missing event time, columns of the view's types.
public struct FeatureRows: Sendable, Hashable {
    public let view: FeatureViewID
    public let schemaVersion: UInt32
    /// One column for each join key of the entity, in its order, of the key's type, without nulls.
    public let keys: [Column]
    /// Timestamps without nulls.
    public let event: Column
    /// Timestamps; null where the source gave none.
    public let created: Column
    /// The features of the view at `schemaVersion`, all of them, in the order of its layout.
    public let features: [Column]
    public let count: Int

    public init(
        view: FeatureViewID,
        schemaVersion: UInt32,
        keys: [Column],
        event: Column,
        created: Column,
        features: [Column]
    ) {
        count = event.count
        precondition((keys + [created] + features).allSatisfy { $0.count == event.count })
        self.view = view
        self.schemaVersion = schemaVersion
        self.keys = keys
        self.event = event
        self.created = created
        self.features = features
    }

    /// The rows of these indices, in their order.
    public func taking(_ rows: [Int]) -> FeatureRows {
        func take(_ column: Column) -> Column {
            var builder = ColumnBuilder(column.type, reservingRows: rows.count)
            for row in rows { builder.append(row: row, of: column) }
            return builder.finish()
        }
        return FeatureRows(
            view: view,
            schemaVersion: schemaVersion,
            keys: keys.map(take),
            event: take(event),
            created: take(created),
            features: features.map(take)
        )
    }

    public func eventTime(_ row: Int) -> Timestamp {
        Timestamp(microseconds: event.load(row, as: Int64.self))
    }

    public func createdTime(_ row: Int) -> Timestamp? {
        created.isValid(row) ? Timestamp(microseconds: created.load(row, as: Int64.self)) : nil
    }
}

/// Names of the columns of a batch of rows that are not features; no feature's name can hold an `@`.
public enum RowColumn {
    /// What the server knows of a row and nobody gives it: an import leaves them out.
    public static let told = [recordedTime, logEntry, logRow, importID, verdict]

    public static let eventTime = "@event_time"
    public static let createdTime = "@created_time"
    public static let recordedTime = "@recorded_time"
    public static let logEntry = "@log_entry"
    public static let logRow = "@log_row"
    public static let importID = "@import"
    public static let verdict = "@verdict"
}
