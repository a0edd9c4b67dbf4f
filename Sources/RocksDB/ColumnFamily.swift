/// The column families of the online directory.
///
/// A batch is atomic across them.
package enum ColumnFamily: Int, Sendable, CaseIterable {
    /// The newest row of each key of each view.
    case rows = 0
    /// The feature log, by entry number.
    case log = 1
    /// Small facts: answers by request id, how far the log reaches.
    case meta = 2

    package var name: String {
        switch self {
        case .rows: "rows"
        case .log: "log"
        case .meta: "meta"
        }
    }
}
