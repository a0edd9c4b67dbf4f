package import Domain
import GRDB

/// What is published of one view.
package struct ViewStatistics: Sendable, Hashable {
    package var rows: UInt64
    package var segments: UInt64
    package var newestEvent: Timestamp?
}

extension OfflineStore {
    /// The figures of every view that has published rows.
    package func statistics() throws(AlulaError) -> [FeatureViewID: ViewStatistics] {
        try read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT s.view, SUM(s.rows), COUNT(*), MAX(s.newest_event)
                    FROM segment s LEFT JOIN import i ON i.number = s.import
                    WHERE s.merge IS NULL AND (s.import IS NULL OR i.log_entry IS NOT NULL)
                    GROUP BY s.view
                    """
            )
            var statistics: [FeatureViewID: ViewStatistics] = [:]
            for row in rows {
                guard let view = UInt32(exactly: row[0] as Int64) else {
                    throw AlulaError.corrupt("a segment names no view")
                }
                statistics[FeatureViewID(view)] = ViewStatistics(
                    rows: UInt64(row[1] as Int64),
                    segments: UInt64(row[2] as Int64),
                    newestEvent: Timestamp(microseconds: row[3])
                )
            }
            return statistics
        }
    }
}
