import Codec
package import Domain
import GRDB

extension OfflineStore {
    /// The newest event time that history had of a view at a time, of events not ahead of it; nil
    /// where it had no row.
    ///
    /// What had come by then counts, as it is seen from there: rows that went by deletion or
    /// retention since are not among them. Event times are read where the table of groups does
    /// not say it.
    package func newestEvent(
        of view: FeatureView,
        at time: Timestamp
    ) throws(AlulaError) -> Timestamp? {
        let through = try logEntry(at: time)
        let filter = SegmentMap.Filter(through: through, keys: nil, notAfter: time)
        return try read { db in
            let map = try SegmentMap(db, view: view, filter: filter)
            let reading = try BlockReading(db)
            let statement = try db.cachedStatement(
                sql: "SELECT max_event FROM row_group WHERE id = ?"
            )
            var newest: Int64?
            for (number, group) in map.groups.enumerated() {
                guard let last = try Int64.fetchOne(statement, arguments: [group.id]),
                    newest.map({ last > $0 }) ?? true
                else { continue }
                if !group.isPartlyHidden, last <= time.microseconds {
                    newest = last
                    continue
                }
                let sorted = try reading.sortedGroup(number, in: map)
                for row in 0..<group.rows {
                    let event = sorted.order(row).event.microseconds
                    guard event <= time.microseconds, newest.map({ event > $0 }) ?? true,
                        !map.hidden.hides(entry: sorted.entry(row))
                    else { continue }
                    newest = event
                }
            }
            return newest.map(Timestamp.init(microseconds:))
        }
    }
}
