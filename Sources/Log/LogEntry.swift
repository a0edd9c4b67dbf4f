package import Domain

/// One step of the sequence of all that ever became visible.
package struct LogEntry: Sendable, Hashable {
    package enum Change: Sendable, Hashable {
        /// Rows as they were pushed, and the layout of their features; row `i` stands at (entry,
        /// i).
        case push(FeatureRows, layout: RowLayout)
        /// The staged rows of an import become visible.
        case publishImport(importID: String, view: FeatureViewID, rows: UInt64)
        /// Rows of these entries, of one view or of all, are hidden from this entry on.
        case retract(view: FeatureViewID?, entries: ClosedRange<UInt64>)
        /// Rows of this key up to this entry are in no answer any more, and their bytes go.
        ///
        /// `key` has its canonical bytes; `keyHash` is what remains of it.
        case forget(
            entity: EntityID,
            views: [FeatureViewID],
            key: [UInt8],
            keyHash: [UInt8]
        )
        /// The history of a view becomes what this merge staged: without the rows that its
        /// retention takes.
        case retire(view: FeatureViewID, merge: Int64)
    }

    /// When Alula learned it; never earlier than that of the entry before.
    package var recorded: Timestamp
    package var change: Change

    package init(recorded: Timestamp, change: Change) {
        self.recorded = recorded
        self.change = change
    }
}

/// How far the log reaches.
package struct LogHead: Sendable, Hashable {
    /// The last entry; entries count from 1, and 0 is none.
    package var number: UInt64
    package var recorded: Timestamp

    package init(number: UInt64, recorded: Timestamp) {
        self.number = number
        self.recorded = recorded
    }

    package static let empty = LogHead(number: 0, recorded: .distantPast)
}
