import Codec
package import Domain

/// The newest row of each of some keys.
package struct NewestRows: Sendable {
    /// At the view's present layout; created times are as they are kept.
    package var rows: FeatureRows
    package var positions: [LogPosition]
    /// The log entry up to which rows were seen.
    package var through: UInt64
}

extension OfflineStore {
    /// Gives the newest row of every key not later than `notAfter`, each key once, in key order, at
    /// most `batchRows` at a time, as of one moment, in bounded memory.
    ///
    /// Stops early where the body answers false.
    package func newestRows(
        of view: FeatureView,
        notAfter: Timestamp,
        batchRows: Int,
        body: (NewestRows) throws -> Bool
    ) throws {
        let through = appliedThrough
        let filter = SegmentMap.Filter(through: through, keys: nil, notAfter: notAfter)
        var merge = SortedMerge(
            try pinnedRuns(of: view, filter),
            events: .min...notAfter.microseconds,
            hiding: .leavesOut,
            tracksKeys: true
        )
        var newest = NewestOfKey()
        try give(&merge, of: view, pick: { newest.pick($0, isEnd: $1) }) { rows, places in
            for first in stride(from: 0, to: rows.count, by: batchRows) {
                let range = first..<min(first + batchRows, rows.count)
                let batch = NewestRows(
                    rows: rows.slice(range),
                    positions: places[range].map(\.position),
                    through: through
                )
                guard try body(batch) else { return false }
            }
            return true
        }
    }

    /// What passes the filter; readable as long as it lives.
    func pinnedRuns(
        of view: FeatureView,
        _ filter: SegmentMap.Filter
    ) throws(AlulaError) -> SortedRuns {
        try read { try SortedRuns(SegmentMap($0, view: view, filter: filter, pins: pins)) }
    }

    /// Gives the rows of a merge that are picked, with all features of the view at its present
    /// layout, in pieces that take bounded memory; stops early where the body answers false.
    func give(
        _ merge: inout SortedMerge,
        of view: FeatureView,
        isCancelled: () -> Bool = { false },
        pick: (_ rows: [MergedRow], _ isEnd: Bool) -> [MergedRow],
        body: (FeatureRows, [MergedRow]) throws -> Bool
    ) throws {
        let map = merge.map
        var pace = GatherPace(view.features.map(\.type) + map.keyTypes.map(\.valueType))
        var waiting: [MergedRow] = []
        while !merge.isAtEnd || !waiting.isEmpty {
            try checkCancelled(isCancelled)
            while waiting.count < pace.rows, !merge.isAtEnd {
                var found: [MergedRow] = []
                try read { try merge.fill(&found, upTo: pace.rows, try BlockReading($0)) }
                waiting += pick(found, merge.isAtEnd)
            }
            let piece = Array(waiting.prefix(pace.rows))
            guard !piece.isEmpty else { continue }
            let gather = RowGather(
                map,
                groups: piece.map(\.group)[...],
                rows: piece.map(\.row)[...]
            )
            let gathered = Result { () throws(AlulaError) in
                try read { try gather.featureRows(of: view, try BlockReading($0)) }
            }
            if case .failure(let error) = gathered, error.code == .resourceExhausted,
                pace.shrink()
            {
                continue
            }
            let rows = try gathered.get()
            pace.note(rows.features + rows.keys, rows: rows.count)
            waiting.removeFirst(piece.count)
            guard try body(rows, piece) else { return }
        }
    }
}

extension MergedRow {
    var position: LogPosition { LogPosition(entry: entry, row: number) }
}

extension FeatureRows {
    /// The rows of this range.
    func slice(_ range: Range<Int>) -> FeatureRows {
        FeatureRows(
            view: view,
            schemaVersion: schemaVersion,
            keys: keys.map { $0.rows(range) },
            event: event.rows(range),
            created: created.rows(range),
            features: features.map { $0.rows(range) }
        )
    }
}
