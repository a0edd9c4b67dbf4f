import Domain
import Tabular
import Wire

/// What a join makes of one row of a spine, view by view.
final class ExplainText {
    private let json: Bool
    private var parts: [(item: WireExplainItem, rows: [JSONValue])] = []

    init(json: Bool) { self.json = json }

    /// Takes the candidates of a view, or more of the same.
    func add(_ item: WireExplainItem, _ batch: RecordBatch) {
        let isMore = parts.last.map { $0.item.label == item.label } ?? false
        if !isMore {
            parts.append((item, []))
            if !json { title(item) }
        }
        if json {
            parts[parts.count - 1].rows.append(HistoryText.json(batch))
        } else if batch.rowCount > 0 {
            Output.table(HistoryText.table(batch))
        } else if !isMore {
            Output.line("no rows of this key")
        }
    }

    func finish(_ answer: WireExplainResponse, row: RecordBatch) {
        guard json else {
            Output.line("")
            return Output.line("\(answer.service) as of log entry \(answer.logEntry)")
        }
        Output.json(
            .object([
                ("service", .string(answer.service)), ("log_entry", .uint(answer.logEntry)),
                ("row", HistoryText.json(row).first ?? .null),
                (
                    "views",
                    .array(
                        parts.map { part in
                            .object([
                                ("label", .string(part.item.label)),
                                ("view", .string(part.item.view)),
                                ("status", .string(part.item.status)),
                                (
                                    "lookback_us",
                                    part.item.hasLookbackUs ? .int(part.item.lookbackUs) : .null
                                ), ("rows", .array(part.rows.flatMap(\.items))),
                            ])
                        }
                    )
                ),
            ])
        )
    }

    private func title(_ item: WireExplainItem) {
        let role = item.label == item.view ? "" : " (\(item.view))"
        let lookback =
            item.hasLookbackUs
            ? ", look-back \(TimeSpan(microseconds: item.lookbackUs))" : ""
        Output.line("")
        Output.line("\(item.label)\(role): \(item.status)\(lookback)")
    }
}

extension JSONValue {
    fileprivate var items: [JSONValue] {
        if case .array(let items) = self { items } else { [] }
    }

    fileprivate var first: JSONValue? { items.first }
}
