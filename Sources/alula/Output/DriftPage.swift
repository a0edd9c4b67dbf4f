import Wire

/// One page with all of a drift, to be looked at without a network.
enum DriftPage {
    static func text(_ drift: WireDrift) -> String {
        let features = drift.features.sorted { rank($0) < rank($1) }
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8">
            <meta name="viewport" content="width=device-width">
            <title>Drift: \(escaped(drift.current))</title>
            <style>\(style)</style></head><body>
            <h1>\(drift.isDrift ? "Drift" : drift.compared == 0 ? "Cannot tell" : "No drift")</h1>
            <p>\(escaped(DriftText.summary(drift)))</p>
            <p><i class="was"></i> \(escaped(drift.reference)), \
            \(counted(drift.referenceRows, "row")) &ensp;
            <i class="now"></i> \(escaped(drift.current)), \(counted(drift.currentRows, "row"))</p>
            \(versions(drift))<main>
            \(features.map(card).joined(separator: "\n"))
            </main></body></html>

            """
    }

    private static let style = """
        :root{color-scheme:light dark;--was:#8a94a6;--now:#d9622b;--line:#8884}
        body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}
        main{display:grid;grid-template-columns:repeat(auto-fill,minmax(20rem,1fr));gap:1rem}
        section{border:1px solid var(--line);border-radius:.5rem;padding:.75rem 1rem}
        section.drift{border-color:var(--now)}h2{font-size:1rem;margin:0}
        p{margin:.25rem 0}small{opacity:.75}svg{width:100%;height:auto;display:block}
        .was{background:var(--was);fill:var(--was)}.now{background:var(--now);fill:var(--now)}
        i{display:inline-block;width:.8em;height:.8em;border-radius:.2em}
        text{font-size:9px;fill:currentColor}rect{opacity:.8}td,th{padding-right:1.5em;text-align:left}
        """

    /// Features with drift first, those that cannot be told last.
    private static func rank(_ feature: WireFeatureDrift) -> Int {
        feature.isDrift ? 0 : feature.nullsMoved ? 1 : feature.cannotTell.isEmpty ? 2 : 3
    }

    private static func versions(_ drift: WireDrift) -> String {
        guard !drift.versions.isEmpty else { return "" }
        let rows = drift.versions.map { "<tr><td>\($0.version)</td><td>\($0.rows)</td></tr>" }
        return "<table><tr><th>version</th><th>rows</th></tr>\(rows.joined())</table>\n"
    }

    private static func card(_ feature: WireFeatureDrift) -> String {
        let verdict = DriftText.verdict(feature)
        let score =
            feature.test.isEmpty
            ? ""
            : "\(feature.test) \(DriftText.number(feature.score)), "
                + "threshold \(DriftText.number(feature.threshold))"
        let (was, now) = (feature.reference, feature.current)
        let nulls = [was, now].map { profile in
            profile.rows == 0
                ? "-" : DriftText.percent(Double(profile.nulls) / Double(profile.rows))
        }
        return """
            <section class="\(feature.isDrift ? "drift" : "")"><h2>\(escaped(feature.name))</h2>
            <p>\(escaped(score))\(verdict.isEmpty ? "" : " <b>\(escaped(verdict))</b>")</p>
            \(picture(feature))
            <small>null \(nulls[1]), was \(nulls[0])\(means(was, now))</small></section>
            """
    }

    private static func means(_ was: WireFeatureProfile, _ now: WireFeatureProfile) -> String {
        guard was.hasMean, now.hasMean else { return "" }
        return "; mean \(DriftText.number(now.mean)), was \(DriftText.number(was.mean))"
    }

    /// Bars of both side by side, each in shares of its own rows.
    private static func picture(_ feature: WireFeatureDrift) -> String {
        let (was, now) = (feature.reference, feature.current)
        if !was.counts.isEmpty, was.counts.count == now.counts.count {
            let ends = [was.edges.first, was.edges.last].map { $0.map(DriftText.number) ?? "" }
            return bars(shares(was.counts), shares(now.counts), ends.map(escaped))
        }
        guard was.counts.isEmpty, now.counts.isEmpty else { return "" }
        var names = was.top.map(\.text)
        for value in now.top where !names.contains(value.text) { names.append(value.text) }
        guard !names.isEmpty else { return "" }
        let shown = Array(names.prefix(12))
        func counts(_ profile: WireFeatureProfile) -> [Double] {
            let all = Double(max(1, profile.rows - profile.nulls))
            return shown.map { name in
                Double(profile.top.first { $0.text == name }?.count ?? 0) / all
            }
        }
        return bars(counts(was), counts(now), shown.map { escaped(String($0.prefix(12))) })
    }

    private static func shares(_ counts: [Double]) -> [Double] {
        let all = max(counts.reduce(0, +), 1)
        return counts.map { $0 / all }
    }

    private static func bars(_ was: [Double], _ now: [Double], _ labels: [String]) -> String {
        let most = max((was + now).max() ?? 0, 1e-9)
        let step = 320.0 / Double(max(was.count, 1))
        var shapes = ""
        for (index, pair) in zip(was, now).enumerated() {
            for (side, share) in [pair.0, pair.1].enumerated() {
                let height = 90 * share / most
                let left = Double(index) * step + step * (0.06 + 0.44 * Double(side))
                shapes += "<rect class=\"\(side == 0 ? "was" : "now")\" x=\"\(place(left))\" "
                shapes += "y=\"\(place(95 - height))\" width=\"\(place(step * 0.44))\" "
                shapes += "height=\"\(place(height))\"><title>"
                shapes += "\(DriftText.percent(share))</title></rect>"
            }
        }
        for (index, label) in labels.enumerated() {
            let isLast = labels.count > 1 && index == labels.count - 1
            let left =
                labels.count == 2 && was.count > 2
                ? (isLast ? 320 : 0) : step * (Double(index) + (isLast ? 1 : 0))
            shapes += "<text x=\"\(place(left))\" y=\"107\" "
            shapes += "text-anchor=\"\(isLast ? "end" : "start")\">\(label)</text>"
        }
        return "<svg viewBox=\"0 0 320 110\" role=\"img\">\(shapes)</svg>"
    }

    /// To a hundredth.
    private static func place(_ number: Double) -> String { "\((number * 100).rounded() / 100)" }

    static func escaped(_ text: String) -> String {
        var out = ""
        for character in text {
            switch character {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            default: out.append(character)
            }
        }
        return out
    }
}
