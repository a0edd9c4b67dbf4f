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
    /// Where the one thread that applies looks rows up.
    let applying: RowCache.Lane

    package init(_ database: Database, cache: RowCache) {
        self.database = database
        self.cache = cache
        applying = cache.sharedLane()
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
