package import Domain

/// The newest values of the keys that were asked for, a row for each key row, in their order.
package struct OnlineAnswer: Sendable, Hashable {
    package var rowCount: Int
    /// The features of the plan, in its order, of the types they were published with.
    ///
    /// Request fields are the caller's to add. A value that is not there, is null or has expired is
    /// null.
    package var columns: [Column]
    /// For each view part of the plan, the event time of each row's newest row in microseconds; 0
    /// where there is none.
    package var eventTimes: [[Int64]]
    /// For each view part, the code of each row's `FeatureStatus`: present, notFound or expired.
    package var statuses: [[UInt8]]

    package init(
        rowCount: Int,
        columns: [Column],
        eventTimes: [[Int64]],
        statuses: [[UInt8]]
    ) {
        self.rowCount = rowCount
        self.columns = columns
        self.eventTimes = eventTimes
        self.statuses = statuses
    }
}
