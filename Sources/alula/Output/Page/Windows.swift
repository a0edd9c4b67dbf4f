import Domain
import Tabular
import Wire

/// What versions answered in windows of time and how well, drawn.
struct Windows {
    private let performance: WirePerformance
    private let versions: [UInt32]
    /// Beginnings, in order.
    private let starts: [Int64]
    private let length: Int64

    /// Names of figures, in the order in which they first stand.
    let names: [String]

    var isEmpty: Bool { starts.isEmpty }

    init(_ performance: WirePerformance) {
        self.performance = performance
        let slices = performance.slices.filter(\.hasSinceUs)
        versions = Set(slices.map(\.version)).sorted()
        starts = Set(slices.map(\.sinceUs)).sorted()
        length = slices.first.map { $0.untilUs - $0.sinceUs + 1 } ?? 1
        var names: [String] = []
        for figure in slices.flatMap(\.figures) where !names.contains(figure.name) {
            names.append(figure.name)
        }
        self.names = names
    }

    private func kind(_ version: UInt32) -> String {
        "v\((versions.firstIndex(of: version) ?? 0) % 6)"
    }

    /// Which colour is which version.
    var legend: String {
        versions.map { "<i class=\"\(kind($0))\"></i> version \($0)" }.joined(separator: " &#8194;")
            + "."
    }

    private var span: String {
        let last = (starts.last ?? 0) + length
        return "from \(Timestamp.text(starts.first ?? 0)) to \(Timestamp.text(last))"
    }

    private func slice(_ version: UInt32, _ start: Int64) -> WirePerformanceSlice? {
        performance.slices.first { $0.version == version && $0.hasSinceUs && $0.sinceUs == start }
    }

    private static func rows(_ slice: WirePerformanceSlice) -> UInt64 {
        slice.rows + slice.unpredicted + slice.failed
    }

    // MARK: - Shares

    /// Which version answered how much, window by window.
    var shares: String {
        let frame = Frame(
            width: 960,
            from: starts.first ?? 0,
            to: (starts.last ?? 0) + length,
            low: 0,
            high: 1
        )
        var shapes = frame.axes { DriftText.percent($0) }
        for start in starts {
            let found = versions.compactMap { slice($0, start) }
            let all = Double(max(1, found.map(Self.rows).reduce(0, +)))
            var below = 0.0
            for slice in found {
                let share = Double(Self.rows(slice)) / all
                let (left, right) = (frame.x(start), frame.x(start + length))
                shapes += Markup.rectangle(
                    kind(slice.version),
                    left,
                    frame.y(below + share),
                    max(1, right - left - 1),
                    frame.y(below) - frame.y(below + share),
                    "\(Timestamp.text(start)): version \(slice.version) "
                        + "\(DriftText.percent(share)) of \(counted(UInt64(all), "row"))"
                )
                below += share
            }
        }
        return "<p>\(legend)</p>"
            + Markup.drawing(
                frame.width,
                frame.height,
                title: "Which version answered",
                description: "Shares of the rows that were logged, \(span).",
                shapes
            ) + table(["rows"] + []) { slice in ["\(Self.rows(slice))"] }
    }

    // MARK: - Figures

    /// A figure of all versions as lines.
    func lines(of name: String) -> String {
        let trained = performance.training.compactMap { version in
            version.figures.first { $0.name == name }.map { (version.version, $0.value) }
        }
        let known = performance.slices.flatMap(\.figures).filter { $0.name == name }
        let values =
            known.flatMap { [$0.value] + ($0.hasLow && $0.hasHigh ? [$0.low, $0.high] : []) }
            + trained.map(\.1)
        let finite = values.filter(\.isFinite)
        let (low, high) = (finite.min() ?? 0, finite.max() ?? 1)
        let room = max((high - low) * 0.05, abs(high) * 1e-6, 1e-9)
        let frame = Frame(
            width: 340,
            from: starts.first ?? 0,
            to: (starts.last ?? 0) + length,
            low: low - room,
            high: high + room
        )
        var shapes = frame.axes(DriftText.number)
        for (version, value) in trained where versions.contains(version) && value.isFinite {
            let y = Markup.place(frame.y(value))
            shapes += "<line class=\"trained \(kind(version))\" x1=\"\(Markup.place(frame.left))\" "
            shapes += "x2=\"\(Markup.place(frame.right))\" y1=\"\(y)\" y2=\"\(y)\"><title>"
            shapes += "version \(version) in training: \(DriftText.number(value))</title></line>"
        }
        for version in versions { shapes += line(of: name, version, frame) }
        return "<h3>\(Markup.text(name))</h3>"
            + Markup.drawing(
                frame.width,
                frame.height,
                title: "\(name) over time",
                description: description(of: name),
                shapes
            )
            + table(["rows", "outcomes missing", name, "low", "high"]) { slice in
                guard let figure = slice.figures.first(where: { $0.name == name }) else {
                    return nil
                }
                let bounds =
                    figure.hasLow && figure.hasHigh
                    ? [DriftText.number(figure.low), DriftText.number(figure.high)] : ["", ""]
                return ["\(slice.rows)", "\(slice.missing)", DriftText.number(figure.value)]
                    + bounds
            }
    }

    private func line(of name: String, _ version: UInt32, _ frame: Frame) -> String {
        var runs: [[(start: Int64, figure: WireFigure)]] = []
        for start in starts {
            guard let figure = slice(version, start)?.figures.first(where: { $0.name == name }),
                figure.value.isFinite
            else { continue }
            // What nobody asked about for a while is no line.
            if let last = runs.last?.last, start - last.start <= 3 * length {
                runs[runs.count - 1].append((start, figure))
            } else {
                runs.append([(start, figure)])
            }
        }
        var shapes = ""
        for run in runs {
            func points(_ value: (WireFigure) -> Double) -> [String] {
                run.map { point in
                    Markup.place(frame.x(point.start + length / 2)) + ","
                        + Markup.place(frame.y(value(point.figure)))
                }
            }
            if run.count > 1 {
                if run.allSatisfy({ $0.figure.hasLow && $0.figure.hasHigh }) {
                    let band = points(\.high) + points(\.low).reversed()
                    shapes += "<polygon class=\"\(kind(version))\" "
                    shapes += "points=\"\(band.joined(separator: " "))\"/>"
                }
                shapes += "<polyline class=\"\(kind(version))\" "
                shapes += "points=\"\(points(\.value).joined(separator: " "))\"/>"
            }
            for (start, figure) in run {
                shapes += "<circle class=\"\(kind(version))\" r=\"2.5\" "
                shapes += "cx=\"\(Markup.place(frame.x(start + length / 2)))\" "
                shapes += "cy=\"\(Markup.place(frame.y(figure.value)))\"><title>"
                shapes += "\(Timestamp.text(start)): version \(version) "
                shapes += "\(DriftText.number(figure.value))</title></circle>"
            }
        }
        return shapes
    }

    private func description(of name: String) -> String {
        let parts = versions.compactMap { version -> String? in
            let values = starts.compactMap { start in
                slice(version, start)?.figures.first { $0.name == name }?.value
            }
            guard let first = values.first, let last = values.last else { return nil }
            return "version \(version) from \(DriftText.number(first)) to \(DriftText.number(last))"
        }
        return "\(span): \(parts.joined(separator: "; "))."
    }

    /// The same figures to be read; `cells` gives nil for what has none.
    private func table(
        _ titles: [String],
        _ cells: (WirePerformanceSlice) -> [String]?
    ) -> String {
        var rows = ""
        for start in starts {
            for slice in versions.compactMap({ slice($0, start) }) {
                guard let cells = cells(slice) else { continue }
                let all = [Timestamp.text(start), "\(slice.version)"] + cells
                rows += "<tr>\(all.map { "<td>\(Markup.text($0))</td>" }.joined())</tr>"
            }
        }
        let heads = (["from", "version"] + titles).map { "<th>\(Markup.text($0))</th>" }.joined()
        return
            "<details><summary>Figures</summary><table><tr>\(heads)</tr>\(rows)</table></details>"
    }
}

/// A drawing with axes: time to the right, a figure upwards.
struct Frame {
    let width: Double
    let height = 170.0
    let left = 44.0
    var right: Double { width - 4 }
    private let top = 6.0
    private var bottom: Double { height - 18 }

    private let from: Int64
    private let to: Int64
    private let low: Double
    private let high: Double

    /// `to` is behind `from`, and `high` above `low`.
    init(width: Double, from: Int64, to: Int64, low: Double, high: Double) {
        self.width = width
        self.from = from
        self.to = to
        self.low = low
        self.high = high
    }

    func x(_ time: Int64) -> Double {
        left + (right - left) * (Double(time - from) / Double(max(1, to - from)))
    }

    func y(_ value: Double) -> Double {
        bottom - (bottom - top) * ((value - low) / max(high - low, 1e-12))
    }

    func axes(_ text: (Double) -> String) -> String {
        var shapes = ""
        for step in 0...2 {
            let value = low + (high - low) * Double(step) / 2
            let place = Markup.place(y(value))
            shapes += "<line class=\"grid\" x1=\"\(Markup.place(left))\" "
            shapes += "x2=\"\(Markup.place(right))\" y1=\"\(place)\" y2=\"\(place)\"/>"
            shapes += Markup.label(left - 4, y(value) + 3, "end", text(value))
        }
        shapes += Markup.label(left, height - 5, "start", Timestamp.text(from))
        return shapes + Markup.label(right, height - 5, "end", Timestamp.text(to))
    }
}
