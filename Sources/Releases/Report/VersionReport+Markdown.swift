import Domain
import Registry

extension VersionReport {
    /// As a page that a pull request or a build can show: verdict, differences, lineage.
    package var markdown: String {
        var page = Markdown()
        page.line("# \(title)")
        page.line("")
        page.line(summary)
        page.line("")
        page.line("## Gate")
        page.line("")
        if outcome.verdict.rules.isEmpty {
            page.line("There is no gate: any complete version passes.")
        } else {
            page.table(
                ["rule", "outcome", "figures"],
                outcome.verdict.rules.map {
                    [Markdown.text($0.rule), $0.outcome.rawValue, Markdown.text($0.reason)]
                }
            )
        }
        addDifferences(to: &page)
        for table in live { add(table, to: &page) }
        addLineage(to: &page)
        return page.text
    }

    private func add(_ table: ReportTable, to page: inout Markdown) {
        page.line("")
        page.line("## " + Markdown.text(table.title))
        page.line("")
        if !table.note.isEmpty {
            page.line(Markdown.text(table.note))
            page.line("")
        }
        guard !table.rows.isEmpty else { return }
        page.table(
            table.columns.map(Markdown.text),
            table.rows.map { $0.map(Markdown.text) }
        )
    }

    private var title: String {
        "\(candidate.model) version \(candidate.number) for \(stage)"
    }

    private var summary: String {
        let verdict = outcome.passed ? "**Passed.**" : "**Refused.**"
        let gate =
            candidate.stage == stage
            ? "no gate is asked where it is already"
            : outcome.verdict.gateVersion.map { "gate version \($0)" } ?? "no gate"
        let against =
            holder.map { "compared with version \($0.number), which holds \(stage)" }
            ?? "no other version holds \(stage)"
        return "\(verdict) The version is in \(candidate.stage); \(gate); \(against). \(time)"
    }

    private func addDifferences(to page: inout Markdown) {
        guard let diff, let holder else {
            page.line("")
            page.line("## Metrics")
            page.line("")
            guard !candidate.metrics.isEmpty else { return page.line("None.") }
            page.table(
                ["metric", "version \(candidate.number)"],
                candidate.metrics.map {
                    let on = $0.dataSet.isEmpty ? "" : " on \($0.dataSet)"
                    return [Markdown.code($0.name.text + on), "\($0.value)"]
                }
            )
            return
        }
        for section in diff.sections {
            page.line("")
            page.line("## " + section.name.prefix(1).uppercased() + section.name.dropFirst())
            page.line("")
            guard !section.items.isEmpty else {
                page.line(section.same == 0 ? "None." : "The same (\(section.same)).")
                continue
            }
            let changes = section.items.contains { !$0.change.isEmpty }
            page.table(
                ["", "version \(holder.number)", "version \(candidate.number)"]
                    + (changes ? ["change"] : []),
                section.items.map { item in
                    [
                        Markdown.code(item.key), Markdown.value(item.before),
                        Markdown.value(item.after),
                    ]
                        + (changes ? [item.change] : [])
                }
            )
            if section.same > 0 {
                page.line("")
                page.line("\(section.same) more are the same.")
            }
        }
    }

    /// A list in which what something was made of stands below it, to the right.
    private func addLineage(to page: inout Markdown) {
        let graph = lineage.graph
        let nodes = Dictionary(graph.nodes.map { ($0.id, $0) }) { first, _ in first }
        let below = Dictionary(grouping: graph.edges, by: \.from)
        var shown: Set<String> = []
        page.line("")
        page.line("## Lineage")
        page.line("")
        func show(_ id: String, depth: Int) {
            guard let node = nodes[id] else { return }
            let indent = String(repeating: "  ", count: depth)
            let line = "\(indent)- \(node.kind.rawValue) \(Markdown.code(node.title))"
            guard shown.insert(id).inserted else { return page.line(line + " (above)") }
            let facts = node.facts.map { "\(Markdown.text($0.key)) \(Markdown.code($0.value))" }
            page.line(facts.isEmpty ? line : line + ": " + facts.joined(separator: ", "))
            for edge in below[id] ?? [] { show(edge.to, depth: depth + 1) }
        }
        if let version = graph.nodes.first { show(version.id, depth: 0) }
    }
}

/// Markdown, with what others wrote kept from being more than text.
struct Markdown {
    private(set) var text = ""

    mutating func line(_ line: String) { text += line + "\n" }

    mutating func table(_ titles: [String], _ rows: [[String]]) {
        line("| " + titles.joined(separator: " | ") + " |")
        line("|" + String(repeating: " --- |", count: titles.count))
        for row in rows { line("| " + row.joined(separator: " | ") + " |") }
    }

    /// In code, cut where it is long.
    static func code(_ text: String) -> String {
        let flat = flat(text)
        guard !flat.isEmpty else { return "(empty)" }
        guard !flat.unicodeScalars.contains("`") else { return Self.text(text) }
        var code = String.UnicodeScalarView()
        for scalar in flat.unicodeScalars {
            if scalar == "|" { code.append("\\") }
            code.append(scalar)
        }
        return "`\(String(code))`"
    }

    static func value(_ text: String?) -> String { text.map(code) ?? "—" }

    /// As plain words, whatever marks combine with a sign.
    static func text(_ text: String) -> String {
        var plain = String.UnicodeScalarView()
        for scalar in flat(text).unicodeScalars {
            if signs.contains(scalar) { plain.append("\\") }
            plain.append(scalar)
        }
        return String(plain)
    }
    private static let signs = Set("\\`*_{}[]<>#|~&@!".unicodeScalars)

    private static func flat(_ text: String) -> String {
        let words = text.unicodeScalars.map { scalar in
            scalar.properties.generalCategory == .control ? " " : Character(scalar)
        }
        return words.count <= longest ? String(words) : String(words.prefix(longest)) + "…"
    }

    private static let longest = 200
}
