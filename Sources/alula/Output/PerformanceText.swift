import Domain
import Tabular
import Wire

/// How well predictions came true, for people and for machines.
enum PerformanceText {
    static func show(_ found: WirePerformance, by: String?, json: Bool) {
        guard !json else { return Output.json(self.json(found)) }
        for version in found.without {
            Output.line(
                "version \(version.version) has no \(by ?? "such feature"): "
                    + "\(counted(version.rows, "vector")) left out"
            )
        }
        for version in found.refused {
            Output.line(
                "version \(version.version): \(counted(version.rows, "vector")) refused by the server"
            )
        }
        guard !found.slices.isEmpty else {
            return Output.line("nothing is in the log for that time")
        }
        let names = figures(found)
        let isWindowed = found.slices.contains(where: \.hasSinceUs)
        var titles: [(String, TextTable.Alignment)] = [("version", .right)]
        if isWindowed { titles.append(("from", .left)) }
        if let by { titles.append((by, .left)) }
        titles += [("predictions", .right), ("outcomes missing", .right)]
        let hasFailed = found.slices.contains { $0.failed > 0 }
        let hasUnpredicted = found.slices.contains { $0.unpredicted > 0 }
        if hasFailed { titles.append(("failed", .right)) }
        if hasUnpredicted { titles.append(("unpredicted", .right)) }
        titles += names.map { ($0, .right) }
        var table = TextTable(titles.map { (title: $0.0, alignment: $0.1) })
        for version in found.training { add(version, names, titles.count, &table) }
        for slice in found.slices {
            let missing = slice.rows == 0 ? 0 : Double(slice.missing) / Double(slice.rows)
            var cells = [String(slice.version)]
            if isWindowed { cells.append(Timestamp.text(slice.sinceUs)) }
            if by != nil { cells.append(slice.hasValue ? slice.value : "-") }
            cells += [String(slice.rows), DriftText.percent(missing)]
            if hasFailed { cells.append(part(slice.failed, of: slice)) }
            if hasUnpredicted { cells.append(part(slice.unpredicted, of: slice)) }
            var blank = Array(repeating: "", count: cells.count)
            for name in names {
                let figure = slice.figures.first { $0.name == name }
                cells.append(figure.map { DriftText.number($0.value) } ?? "")
                blank.append(figure.map(bounds) ?? "")
            }
            table.add(cells)
            if slice.figures.contains(where: \.hasLow) { table.add(blank) }
        }
        Output.table(table)
    }

    /// What was measured when the version was trained, where it bears the name of a figure.
    private static func add(
        _ version: WireVersionFigures,
        _ names: [String],
        _ columns: Int,
        _ table: inout TextTable
    ) {
        let known = names.map { name in version.figures.first { $0.name == name } }
        guard known.contains(where: { $0 != nil }) else { return }
        var cells = [String(version.version)]
        cells += Array(repeating: "", count: columns - names.count - 2) + ["in training"]
        table.add(cells + known.map { $0.map { DriftText.number($0.value) } ?? "" })
    }

    private static func part(_ count: UInt64, of slice: WirePerformanceSlice) -> String {
        let all = slice.rows + slice.failed + slice.unpredicted
        return DriftText.percent(all == 0 ? 0 : Double(count) / Double(all))
    }

    private static func bounds(_ figure: WireFigure) -> String {
        guard figure.hasLow, figure.hasHigh else { return "" }
        return "\(DriftText.number(figure.low))..\(DriftText.number(figure.high))"
    }

    /// In the order in which they first stand.
    private static func figures(_ found: WirePerformance) -> [String] {
        var names: [String] = []
        for slice in found.slices {
            for figure in slice.figures where !names.contains(figure.name) {
                names.append(figure.name)
            }
        }
        return names
    }
}

extension PerformanceText {
    private static func json(_ found: WirePerformance) -> JSONValue {
        let training = found.training.map { version in
            JSONValue.object([
                ("version", .uint(UInt64(version.version))), ("figures", json(version.figures)),
            ])
        }
        return .object([
            ("kind", .string(found.kind)), ("slices", .array(found.slices.map(json))),
            ("training", .array(training)), ("without", .array(found.without.map(json))),
            ("refused", .array(found.refused.map(json))),
        ])
    }

    private static func json(_ version: WireVersionRows) -> JSONValue {
        .object([("version", .uint(UInt64(version.version))), ("rows", .uint(version.rows))])
    }

    private static func json(_ slice: WirePerformanceSlice) -> JSONValue {
        let calibration = slice.calibration.map { bin in
            JSONValue.object([
                ("rows", .uint(bin.rows)), ("mean_score", .number(bin.meanScore)),
                ("share_of_ones", .number(bin.shareOfOnes)),
            ])
        }
        return .object([
            ("version", .uint(UInt64(slice.version))),
            ("since", slice.hasSinceUs ? .time(slice.sinceUs) : .null),
            ("until", slice.hasUntilUs ? .time(slice.untilUs) : .null),
            ("value", slice.hasValue ? .string(slice.value) : .null),
            ("rows", .uint(slice.rows)), ("missing", .uint(slice.missing)),
            ("unpredicted", .uint(slice.unpredicted)), ("failed", .uint(slice.failed)),
            ("figures", json(slice.figures)),
            ("calibration", .array(calibration)),
        ])
    }

    private static func json(_ figures: [WireFigure]) -> JSONValue {
        .object(
            figures.map { figure in
                (
                    figure.name,
                    .object([
                        ("value", .number(figure.value)),
                        ("low", figure.hasLow ? .number(figure.low) : .null),
                        ("high", figure.hasHigh ? .number(figure.high) : .null),
                    ])
                )
            }
        )
    }
}
