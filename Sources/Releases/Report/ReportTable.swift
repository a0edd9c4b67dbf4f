/// A table of a report, of what is not in the registry.
package struct ReportTable: Sendable, Hashable {
    package var title: String
    /// A sentence above it; empty where there is none.
    package var note: String
    package var columns: [String]
    package var rows: [[String]]

    package init(title: String, note: String = "", columns: [String], rows: [[String]]) {
        self.title = title
        self.note = note
        self.columns = columns
        self.rows = rows
    }
}
