import Domain
import Tabular
import Wire

/// What is recorded of a training set, for people and for machines.
enum TrainingSetText {
    static func show(_ set: WireTrainingSet, json: Bool) {
        guard !json else { return Output.json(self.json(set)) }
        Output.line("\(set.id)  \(counted(set.rows, "row")) of \(set.service)")
        Output.line(
            "log entry \(set.logEntry), made \(Timestamp.text(set.madeUs)) from \(set.spineName)"
        )
        if set.asKnown {
            Output.line("as known" + (set.keepUnknown ? ", unknown created times kept" : ""))
        }
        Output.line("digest    \(set.digest)")
        Output.line("spine     \(set.spineDigest)")
        guard !set.reports.isEmpty else { return showLosses(set) }
        var table = TextTable([
            ("view", .left), ("matched", .right), ("expired", .right), ("not found", .right),
            ("null keys", .right), ("late", .right), ("unknown", .right),
        ])
        for report in set.reports {
            let counts = [
                report.matched, report.expired, report.notFound, report.nullKeys, report.late,
                report.unknown,
            ]
            table.add([report.label] + counts.map { String($0) })
        }
        Output.line("")
        Output.table(table)
        showLosses(set)
    }

    /// What deletion and retention have taken from it since.
    private static func showLosses(_ set: WireTrainingSet) {
        guard !set.losses.isEmpty || set.blankedRows > 0 else { return }
        Output.line("")
        Output.line("incomplete: history was deleted or retired since")
        if set.blankedRows > 0 {
            Output.line("  spine: \(counted(set.blankedRows, "row")) blanked")
        }
        for loss in set.losses {
            let entries = loss.logEntries.map { String($0) }.joined(separator: ", ")
            Output.line(
                "  \(loss.label): \(counted(loss.values, "row")) lost"
                    + (entries.isEmpty ? "" : ", by log entries \(entries)")
            )
        }
    }

    static func json(_ set: WireTrainingSet) -> JSONValue {
        .object([
            ("id", .string(set.id)), ("project", .string(set.project)),
            ("service", .string(set.service)), ("log_entry", .uint(set.logEntry)),
            ("digest", .string(set.digest)), ("spine_digest", .string(set.spineDigest)),
            ("spine", .text(set.spineName)), ("rows", .uint(set.rows)),
            ("event_time", .string(set.eventTime)), ("label", .text(set.label)),
            ("made", .time(set.madeUs)), ("actor", .string(set.actor)),
            ("as_known", .bool(set.asKnown)), ("keep_unknown", .bool(set.keepUnknown)),
            ("columns", .fields(set.schema.fields)),
            ("feature_columns", .strings(set.featureColumns)),
            ("reports", .array(set.reports.map(json))),
            ("complete", .bool(set.losses.isEmpty && set.blankedRows == 0)),
            ("blanked_rows", .uint(set.blankedRows)),
            (
                "losses",
                .array(
                    set.losses.map { loss in
                        .object([
                            ("label", .string(loss.label)), ("values", .uint(loss.values)),
                            ("log_entries", .array(loss.logEntries.map { .uint($0) })),
                        ])
                    }
                )
            ),
        ])
    }

    private static func json(_ report: WireViewReport) -> JSONValue {
        .object([
            ("label", .string(report.label)), ("view", .string(report.view)),
            ("matched", .uint(report.matched)), ("expired", .uint(report.expired)),
            ("not_found", .uint(report.notFound)), ("null_keys", .uint(report.nullKeys)),
            ("late", .uint(report.late)), ("unknown", .uint(report.unknown)),
            (
                "oldest_event",
                report.hasOldestEventUs
                    ? .value(.timestamp(Timestamp(microseconds: report.oldestEventUs))) : .null
            ),
            (
                "newest_event",
                report.hasNewestEventUs
                    ? .value(.timestamp(Timestamp(microseconds: report.newestEventUs))) : .null
            ),
        ])
    }
}
