import Codec
package import Domain
package import RocksDB

/// The newest row of each key of each view, in RocksDB's family `rows`.
///
/// The newest is the greatest by `RowOrder`, in whatever order rows arrive: an older row never
/// takes the place of a newer one. One thread applies; any may read.
package struct OnlineStore: Sendable {
    let database: Database
    package let cache: RowCache

    package init(_ database: Database, cache: RowCache) {
        self.database = database
        self.cache = cache
    }
}

/// Where rows to be applied come from, which says how they are ordered.
package enum RowOrigin: Sendable {
    /// Pushed as this log entry: row `i` stands at (entry, i), and one without a created time takes
    /// the recorded time.
    case push(entry: UInt64, recorded: Timestamp)
    /// Read from history: each row has its position and its created time, or none.
    case history([LogPosition])

    func order(of row: Int, in rows: FeatureRows) -> RowOrder {
        switch self {
        case .push(let entry, let recorded):
            RowOrder(
                event: rows.eventTime(row),
                created: rows.createdTime(row) ?? recorded,
                position: LogPosition(entry: entry, row: UInt32(row))
            )
        case .history(let positions):
            RowOrder(
                event: rows.eventTime(row),
                created: rows.createdTime(row),
                position: positions[row]
            )
        }
    }
}

/// What a batch that is not written yet does, by key, so that what follows in the same batch is
/// compared with it.
package struct PendingRows: Sendable {
    enum Standing: Sendable {
        /// With its stored bytes.
        case row(RowOrder, [UInt8])
        /// What stood there is deleted.
        case nothing

        var order: RowOrder? {
            switch self {
            case .row(let order, _): order
            case .nothing: nil
            }
        }

        var bytes: [UInt8]? {
            switch self {
            case .row(_, let bytes): bytes
            case .nothing: nil
            }
        }
    }

    var standing: [ArraySlice<UInt8>: Standing] = [:]
    /// Keys of the family `rows` where a row took the place of a retracted one: a row of history
    /// that is newer than it may have to come back.
    package internal(set) var replacedRetracted: Set<ArraySlice<UInt8>> = []

    package init() {}

    /// What stands under the key once the batch is written, where `stored` stands there now.
    func order(_ key: ArraySlice<UInt8>, stored: RowOrder?) -> RowOrder? {
        guard let standing = standing[key] else { return stored }
        return standing.order
    }
}

extension OnlineStore {
    /// Puts those rows into the batch that are newer than what stands there or in `pending`, one by
    /// one in their order.
    ///
    /// The answer says of each row whether it was taken (`accepted`) or is `older`. A row that stands
    /// there with one of the `retracted` log entries counts as none.
    ///
    /// Where it throws, neither the batch nor `pending` was touched. The rows are online once the
    /// batch is written.
    package func apply(
        _ rows: FeatureRows,
        of view: FeatureView,
        from origin: RowOrigin,
        retracted: [ClosedRange<UInt64>] = [],
        into batch: WriteBatch,
        pending: inout PendingRows
    ) throws(AlulaError) -> [PushStatus] {
        guard let layout = view.layout(rows.schemaVersion) else {
            throw .unknownSchemaVersion(rows.schemaVersion, of: view.name)
        }
        let format = RowFormat(layout)
        var keys = LookupKeys(reservingKeys: rows.count, bytes: 32 * rows.count)
        for row in 0..<rows.count {
            keys.append { bytes in
                OnlineKey.appendPrefix(view.entity.id, rows.keys, row: row, to: &bytes)
                OnlineKey.append(view.id, to: &bytes)
            }
        }
        let sorted = keys.sorted()
        var newest = try storedOrders(sorted)
        var isRetracted = [Bool](repeating: false, count: sorted.count)
        for index in 0..<sorted.count {
            newest[index] = pending.order(sorted[index], stored: newest[index])
            guard let order = newest[index], retracted.contain(order) else { continue }
            isRetracted[index] = true
            newest[index] = nil
        }
        var statuses: [PushStatus] = []
        statuses.reserveCapacity(rows.count)
        var winners = [Int?](repeating: nil, count: sorted.count)
        for row in 0..<rows.count {
            let order = origin.order(of: row, in: rows)
            let place = sorted.places[row]
            if let standing = newest[place], order <= standing {
                statuses.append(.older)
                continue
            }
            newest[place] = order
            winners[place] = row
            statuses.append(.accepted)
        }
        for (place, winner) in winners.enumerated() {
            guard let winner, let order = newest[place] else { continue }
            let bytes = format.encode(rows, row: winner, order: order)
            batch.put(.rows, Array(sorted[place]), bytes)
            pending.standing[sorted[place]] = .row(order, bytes)
            if isRetracted[place] { pending.replacedRetracted.insert(sorted[place]) }
        }
        return statuses
    }

    /// What stands under each key; nil where nothing does.
    func storedOrders(_ keys: SortedKeys) throws(AlulaError) -> [RowOrder?] {
        let values = try database.get(.rows, keys)
        var orders: [RowOrder?] = []
        orders.reserveCapacity(keys.count)
        for index in 0..<keys.count {
            let order = try values.withValue(index) { row throws(AlulaError) in
                try RowCodec.header(row).order
            }
            orders.append(order)
        }
        return orders
    }
}

extension [ClosedRange<UInt64>] {
    func contain(_ order: RowOrder) -> Bool { contains { $0.contains(order.position.entry) } }
}

extension AlulaError {
    /// Not a loss: whoever asked holds a picture of the catalog that is older than the row.
    static func unknownSchemaVersion(_ version: UInt32, of view: FeatureViewName) -> AlulaError {
        AlulaError(
            .aborted,
            "view \(view) has rows of schema version \(version), newer than this plan",
            help: "resolve the service against the present catalog and ask again",
            retry: .sameRequest
        )
    }
}
