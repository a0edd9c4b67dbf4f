import Codec
package import Domain

extension OfflineStore {
    /// Gives all rows of a view as they are seen from a log entry, of events in a span of time with
    /// both ends, by key, then in their order.
    ///
    /// Batches have about 512 KiB; a row that is larger has one of its own. What was merged or
    /// pushed meanwhile makes no difference, and no transaction is open while the body runs.
    package func export(
        of view: FeatureView,
        through: UInt64,
        from: Timestamp?,
        until: Timestamp?,
        isCancelled: () -> Bool,
        body: (HistoryRows) throws -> Void
    ) throws {
        let from = from ?? .distantPast
        let until = until ?? .distantFuture
        guard from <= until else {
            throw AlulaError.invalid("the span of an export ends before it begins")
        }
        let filter = SegmentMap.Filter(through: through, keys: nil, notAfter: until)
        var merge = SortedMerge(
            try pinnedRuns(of: view, filter),
            events: from.microseconds...until.microseconds,
            hiding: .leavesOut,
            tracksKeys: false
        )
        try give(&merge, of: view, isCancelled: isCancelled, pick: { rows, _ in rows }) {
            rows,
            places in
            let entries = places.map(\.entry)
            let origins = try read { try RowOrigins($0).of(entries) }
            for range in rows.cut(0..<rows.count) {
                try checkCancelled(isCancelled)
                try body(
                    HistoryRows(
                        rows: rows.slice(range),
                        recorded: origins[range].map(\.recorded),
                        positions: places[range].map(\.position),
                        importIDs: origins[range].map(\.importID)
                    )
                )
            }
            return true
        }
    }
}

extension FeatureRows {
    private static let exportedBytes = 512 << 10

    fileprivate func cut(_ range: Range<Int>) -> [Range<Int>] {
        let columns = keys + [event, created] + features
        let bytes = columns.reduce(0) { $0 + $1.byteCount(of: range) }
        guard bytes > Self.exportedBytes, range.count > 1 else { return [range] }
        let middle = (range.lowerBound + range.upperBound) / 2
        return cut(range.lowerBound..<middle) + cut(middle..<range.upperBound)
    }
}
