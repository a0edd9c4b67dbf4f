import Codec
package import Domain
package import RocksDB

/// The newest row of each key of each view, in RocksDB's family `rows`.
///
/// The newest is the greatest by `RowOrder`, in whatever order rows arrive: an older row never
/// takes the place of a newer one. One thread applies; any may read.
package struct OnlineStore: Sendable {
    let database: Database

    package init(_ database: Database) { self.database = database }
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

/// The rows of a batch that is not written yet, by key, so that what follows in the same batch is
/// compared with them.
package struct PendingRows: Sendable {
    fileprivate var orders: [ArraySlice<UInt8>: RowOrder] = [:]

    package init() {}
}

extension OnlineStore {
    /// Puts those rows into the batch that are newer than what stands there or in `pending`, one by
    /// one in their order.
    ///
    /// The answer says of each row whether it was taken (`accepted`) or is `older`.
    ///
    /// Where it throws, neither the batch nor `pending` was touched. The rows are online once the
    /// batch is written.
    package func apply(
        _ rows: FeatureRows,
        of view: FeatureView,
        from origin: RowOrigin,
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
        for index in 0..<sorted.count {
            newest[index] = pending.orders[sorted[index]] ?? newest[index]
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
            batch.put(
                .rows,
                Array(sorted[place]),
                format.encode(rows, row: winner, order: order)
            )
            pending.orders[sorted[place]] = order
        }
        return statuses
    }

    /// What stands under each key; nil where nothing does.
    private func storedOrders(_ keys: SortedKeys) throws(AlulaError) -> [RowOrder?] {
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
