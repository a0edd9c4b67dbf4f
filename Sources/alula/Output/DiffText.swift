import Domain
import Tabular
import Wire

/// Differences of versions and reports, for people and for machines.
enum DiffText {
    static func show(_ diff: WireVersionDiff) {
        Output.line("\(diff.model) version \(diff.after) against version \(diff.before)")
        for section in diff.sections {
            let same = section.same == 0 ? "" : " (\(section.same) the same)"
            guard !section.items.isEmpty else {
                Output.line("\(section.name): no difference\(same)")
                continue
            }
            Output.line("\(section.name)\(same)")
            for item in section.items { Output.line("  " + text(item)) }
        }
    }

    /// `c: 1.0 -> 2.0`, `+ depth: 3`, `- seed: 1`.
    static func text(_ item: WireDiffItem) -> String {
        switch (item.hasBefore, item.hasAfter) {
        case (true, true):
            let change = item.change.isEmpty ? "" : " (\(item.change))"
            return "\(item.key): \(item.before) -> \(item.after)\(change)"
        case (false, true): return "+ \(item.key): \(item.after)"
        case (true, false): return "- \(item.key): \(item.before)"
        case (false, false): return item.key
        }
    }

    static func json(_ diff: WireVersionDiff) -> JSONValue {
        .object([
            ("model", .string(diff.model)), ("before", .uint(UInt64(diff.before))),
            ("after", .uint(UInt64(diff.after))),
            (
                "sections",
                .array(
                    diff.sections.map { section in
                        .object([
                            ("name", .string(section.name)), ("same", .uint(UInt64(section.same))),
                            ("items", .array(section.items.map(json))),
                        ])
                    }
                )
            ),
        ])
    }

    private static func json(_ item: WireDiffItem) -> JSONValue {
        .object([
            ("key", .string(item.key)), ("before", item.hasBefore ? .string(item.before) : .null),
            ("after", item.hasAfter ? .string(item.after) : .null), ("change", .text(item.change)),
        ])
    }

    static func json(_ report: WireReport) -> JSONValue {
        .object([
            ("passed", .bool(report.passed)), ("model", .string(report.model)),
            ("candidate", .uint(UInt64(report.candidate))), ("stage", .string(report.stage)),
            ("holder", report.holder == 0 ? .null : .uint(UInt64(report.holder))),
            ("rules", Verdict.json(report.rules)),
            ("diff", report.hasDiff ? json(report.diff) : .null),
            ("lineage", LineageText.json(report.lineage)), ("markdown", .string(report.markdown)),
        ])
    }
}
