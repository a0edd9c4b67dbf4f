import Domain
import Wire

/// One page to be looked at without a network: how features moved, how well predictions came true, and
/// which versions answered.
struct DriftPage {
    let drift: WireDrift
    /// Of a model, in windows; nil where it is of training sets or files.
    var performance: WirePerformance?
    /// Why there is none; else empty.
    var problem = ""
    var model: WireRegisteredModel?

    var text: String {
        """
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8"/>
        <meta name="viewport" content="width=device-width"/>
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
        style-src 'unsafe-inline'"/>
        <title>Drift: \(Markup.text(drift.current))</title>
        <style>\(Self.style)</style></head><body>
        <h1>\(drift.isDrift ? "Drift" : drift.compared == 0 ? "Cannot tell" : "No drift")</h1>
        <p>\(Markup.text(DriftText.summary(drift)))</p>
        <p><i class="was"></i> \(Markup.text(drift.reference)), \
        \(counted(drift.referenceRows, "row")) &#8194;
        <i class="now"></i> \(Markup.text(drift.current)), \(counted(drift.currentRows, "row"))</p>
        <main class="cards">
        \(FeatureCard.cards(drift).joined(separator: "\n"))
        </main>
        \(VersionTable(drift: drift, model: model).text)
        \(overTime)
        </body></html>

        """
    }

    private var overTime: String {
        guard let performance else {
            return problem.isEmpty
                ? "" : "<h2>Performance over time</h2><p>\(Markup.text(problem))</p>"
        }
        let windows = Windows(performance)
        guard !windows.isEmpty else { return "" }
        let figures = windows.names.map { "<section>\(windows.lines(of: $0))</section>" }
        let told =
            figures.isEmpty
            ? "<p>No prediction in this time has an outcome yet.</p>"
            : "<div class=\"cards\">\(figures.joined(separator: "\n"))</div>"
        return """
            <h2>Versions over time</h2>
            <section>\(windows.shares)</section>
            <h2>Performance over time</h2>
            <p>\(windows.legend) Behind each line lies what the true figure is within, 95 times in a \
            hundred; dashed is what was measured in training.</p>
            \(told)
            """
    }

    private static let style = """
        :root{color-scheme:light dark;--was:#8a94a6;--now:#d9622b;--line:#8884;
        --v0:#2f6fb7;--v1:#c2541c;--v2:#2b8a57;--v3:#8552b0;--v4:#a17512;--v5:#5f6b7a}
        @media (prefers-color-scheme:dark){:root{--v0:#6aa9ee;--v1:#f08b55;--v2:#5fc48f;--v3:#bd92e3;
        --v4:#d9ab45;--v5:#a3aebd}}
        body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}
        .cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(20rem,1fr));gap:1rem}
        section{border:1px solid var(--line);border-radius:.5rem;padding:.75rem 1rem}
        section.drift{border-color:var(--now)}h2{font-size:1.2rem;margin:2rem 0 .5rem}
        h3{font-size:1rem;margin:0;overflow-wrap:anywhere}
        p{margin:.25rem 0}small{opacity:.8}svg{width:100%;height:auto;display:block}
        .was{background:var(--was);fill:var(--was)}.now{background:var(--now);fill:var(--now)}
        .v0{--c:var(--v0)}.v1{--c:var(--v1)}.v2{--c:var(--v2)}
        .v3{--c:var(--v3)}.v4{--c:var(--v4)}.v5{--c:var(--v5)}
        i{display:inline-block;width:.8em;height:.8em;border-radius:.2em}i[class^=v]{background:var(--c)}
        text{font-size:9px;fill:currentColor}rect{opacity:.85}rect[class^=v],circle{fill:var(--c)}
        polyline{fill:none;stroke:var(--c);stroke-width:1.5}polygon{fill:var(--c);opacity:.18}
        .grid{stroke:var(--line);stroke-width:.5}
        .trained{stroke:var(--c);stroke-width:1;stroke-dasharray:4 3}
        table{border-collapse:collapse;margin:.25rem 0;font-variant-numeric:tabular-nums}
        td,th{padding:.1rem 1.5em .1rem 0;text-align:left;border-bottom:1px solid var(--line)}
        details{margin-top:.25rem;overflow-x:auto}
        """
}

/// What others wrote, as text of a page and nothing else.
enum Markup {
    /// A sign is replaced whatever mark combines with it, and what is invisible or turns the direction
    /// of text is shown as missing.
    static func text(_ text: String) -> String {
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": out.append(contentsOf: "&amp;".unicodeScalars)
            case "<": out.append(contentsOf: "&lt;".unicodeScalars)
            case ">": out.append(contentsOf: "&gt;".unicodeScalars)
            case "\"": out.append(contentsOf: "&quot;".unicodeScalars)
            case "'": out.append(contentsOf: "&#39;".unicodeScalars)
            default: out.append(isShown(scalar) ? scalar : "\u{FFFD}")
            }
        }
        return String(out)
    }

    private static func isShown(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .unassigned, .privateUse, .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }

    /// The beginning, where it is long.
    static func short(_ string: String, _ most: Int) -> String {
        text(string.count > most ? String(string.prefix(most - 1)) + "…" : string)
    }

    /// A place in a drawing, to a hundredth.
    static func place(_ number: Double) -> String {
        let rounded = (number * 100).rounded() / 100
        return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
    }

    /// A drawing with its words for those who do not see it.
    static func drawing(
        _ width: Double,
        _ height: Double,
        title: String,
        description: String,
        _ shapes: String
    ) -> String {
        "<svg viewBox=\"0 0 \(place(width)) \(place(height))\" role=\"img\">"
            + "<title>\(text(title))</title><desc>\(text(description))</desc>\(shapes)</svg>"
    }

    static func rectangle(
        _ kind: String,
        _ x: Double,
        _ y: Double,
        _ width: Double,
        _ height: Double,
        _ title: String
    ) -> String {
        "<rect class=\"\(kind)\" x=\"\(place(x))\" y=\"\(place(y))\" width=\"\(place(width))\" "
            + "height=\"\(place(height))\"><title>\(text(title))</title></rect>"
    }

    static func label(_ x: Double, _ y: Double, _ anchor: String, _ words: String) -> String {
        "<text x=\"\(place(x))\" y=\"\(place(y))\" text-anchor=\"\(anchor)\">\(words)</text>"
    }
}
