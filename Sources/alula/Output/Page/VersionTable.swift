import Domain
import Tabular
import Wire

/// The versions of a model on a page: where each stands, and how much it was asked.
struct VersionTable {
    let drift: WireDrift
    let model: WireRegisteredModel?

    /// Empty where it is of no model.
    var text: String {
        guard let model else { return "" }
        let served = Dictionary(drift.versions.map { ($0.version, $0.rows) }) { first, _ in first }
        let failed = Dictionary(drift.versions.map { ($0.version, $0.failed) }) { first, _ in first
        }
        let all = max(1, served.values.reduce(0, +))
        let numbers = Set(served.keys).union(model.holders.map(\.version)).sorted()
        let rows = numbers.map { number in
            let rows = served[number] ?? 0
            let stages = model.holders.filter { $0.version == number }.map(Self.stage)
            let share = DriftText.percent(Double(rows) / Double(all))
            return "<tr><td>\(number)</td><td>\(Markup.text(stages.joined(separator: "; ")))</td>"
                + "<td>\(rows)</td><td>\(share)</td>"
                + "<td>\(DriftText.percent(Double(failed[number] ?? 0) / Double(max(1, rows))))</td></tr>"
        }
        return """
            <h2>Versions</h2>
            <table><tr><th>version</th><th>holds</th><th>rows served</th><th>of all</th>
            <th>not predicted</th></tr>
            \(rows.joined(separator: "\n"))</table>
            """
    }

    private static func stage(_ holder: WireStageHolder) -> String {
        let part = DriftText.percent(Double(holder.share) / 10_000)
        let share = holder.share == 10_000 ? "" : ", \(part)"
        return "\(holder.stage)\(share), since \(Timestamp.text(holder.sinceUs))"
    }
}
