import Domain
import Tabular
import Wire

/// Profiles and drift, for people and for machines.
enum DriftText {
    static func show(_ drift: WireDrift, json: Bool) {
        guard !json else { return Output.json(self.json(drift)) }
        Output.line("reference  \(drift.reference)  \(counted(drift.referenceRows, "row"))")
        Output.line("current    \(drift.current)  \(counted(drift.currentRows, "row"))")
        for version in drift.versions {
            let failed = Double(version.failed) / Double(max(1, version.rows))
            Output.line(
                "           version \(version.version): \(counted(version.rows, "row"))"
                    + (version.failed > 0 ? ", \(percent(failed)) could not be predicted" : "")
            )
        }
        Output.line("")
        var table = TextTable([
            ("feature", .left), ("test", .left), ("score", .right), ("threshold", .right),
            ("", .left), ("null", .right), ("was", .right), ("mean or top", .left), ("was", .left),
        ])
        for feature in drift.features {
            table.add([
                feature.name, feature.test, feature.test.isEmpty ? "" : number(feature.score),
                feature.test.isEmpty ? "" : number(feature.threshold), verdict(feature),
                share(feature.current), share(feature.reference), middle(feature.current),
                middle(feature.reference),
            ])
        }
        Output.table(table)
        Output.line("")
        Output.line(summary(drift))
    }

    static func summary(_ drift: WireDrift) -> String {
        let verdict = drift.isDrift ? "drift" : drift.compared == 0 ? "cannot tell" : "no drift"
        return "\(verdict): \(drift.drifted) of \(counted(drift.compared, "feature")) moved, "
            + "\(percent(drift.share)); \(percent(drift.shareThreshold)) make drift"
    }

    static func verdict(_ feature: WireFeatureDrift) -> String {
        guard feature.cannotTell.isEmpty else { return "cannot tell: \(feature.cannotTell)" }
        let nulls = feature.nullsMoved ? "nulls moved" : ""
        guard feature.isDrift else { return nulls }
        return nulls.isEmpty ? "drift" : "drift, \(nulls)"
    }

    static func profile(_ profile: WireProfile, json: Bool) {
        guard !json else { return Output.json(.array(profile.features.map(self.json))) }
        Output.line(counted(profile.rows, "row"))
        var table = TextTable([
            ("feature", .left), ("type", .left), ("null", .right), ("expired", .right),
            ("late", .right), ("distinct", .right), ("minimum", .right), ("median", .right),
            ("maximum", .right), ("mean", .right), ("deviation", .right), ("most frequent", .left),
        ])
        for feature in profile.features {
            let rows = Double(max(1, feature.rows))
            let median = feature.quantiles.first { $0.share == 0.5 }?.value
            // An estimate may be more than there are.
            let distinct = min(
                feature.distinct,
                Double(feature.rows - min(feature.nulls, feature.rows))
            )
            table.add([
                feature.name, feature.type, share(feature),
                percent(Double(feature.expired) / rows), percent(Double(feature.late) / rows),
                (feature.exact ? "" : "~") + number(distinct.rounded()),
                feature.hasMinimum ? value(feature.minimum, of: feature) : "",
                median.map { value($0, of: feature) } ?? "",
                feature.hasMaximum ? value(feature.maximum, of: feature) : "",
                feature.hasMean ? value(feature.mean, of: feature) : "",
                feature.hasDeviation ? deviation(of: feature) : "", top(feature),
            ])
        }
        Output.table(table)
    }

    /// A time as a time, to the second.
    private static func value(_ value: Double, of feature: WireFeatureProfile) -> String {
        guard feature.type == "timestamp", let seconds = Int64(exactly: (value / 1e6).rounded()),
            abs(seconds) < 1 << 40
        else { return number(value) }
        return Timestamp(microseconds: seconds * 1_000_000).description
    }

    private static func deviation(of feature: WireFeatureProfile) -> String {
        guard feature.type == "timestamp", feature.deviation < 1e18 else {
            return number(feature.deviation)
        }
        return TimeSpan(microseconds: Int64(feature.deviation)).short
    }

    private static func top(_ feature: WireFeatureProfile) -> String {
        guard feature.distinct <= 64 || !feature.hasMean else { return "" }
        return feature.top.prefix(3).map { "\($0.text) (\($0.count))" }.joined(separator: ", ")
    }

    private static func share(_ feature: WireFeatureProfile) -> String {
        feature.rows == 0 ? "" : percent(Double(feature.nulls) / Double(feature.rows))
    }

    private static func middle(_ feature: WireFeatureProfile) -> String {
        feature.hasMean
            ? value(feature.mean, of: feature) : feature.top.first.map(\.text) ?? ""
    }

    static func percent(_ share: Double) -> String {
        let tenths = (share * 1_000).rounded()
        if tenths == 0, share > 0 { return "<0.1%" }
        return tenths.truncatingRemainder(dividingBy: 10) == 0
            ? "\(Int(tenths / 10))%" : "\(tenths / 10)%"
    }

    /// Four digits that count, without an exponent where there need be none.
    static func number(_ value: Double) -> String {
        if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
        guard value.isFinite, value != 0 else { return "\(value)" }
        var scale = 1.0
        while abs(value) * scale < 1_000, scale < 1e12 { scale *= 10 }
        let rounded = (value * scale).rounded() / scale
        guard rounded != rounded.rounded() || abs(rounded) >= 1e15 else {
            return rounded == 0 ? "\(value)" : String(Int64(rounded))
        }
        return "\(rounded)"
    }
}

extension DriftText {
    static func json(_ drift: WireDrift) -> JSONValue {
        .object([
            ("reference", .string(drift.reference)), ("current", .string(drift.current)),
            ("reference_rows", .uint(drift.referenceRows)),
            ("current_rows", .uint(drift.currentRows)),
            ("compared", .uint(UInt64(drift.compared))), ("drifted", .uint(UInt64(drift.drifted))),
            ("share", .number(drift.share)), ("share_threshold", .number(drift.shareThreshold)),
            ("drift", .bool(drift.isDrift)),
            (
                "versions",
                .array(
                    drift.versions.map {
                        .object([
                            ("version", .uint(UInt64($0.version))), ("rows", .uint($0.rows)),
                            ("failed", .uint($0.failed)),
                        ])
                    }
                )
            ),
            ("features", .array(drift.features.map(json))),
        ])
    }

    private static func json(_ feature: WireFeatureDrift) -> JSONValue {
        let isTold = feature.cannotTell.isEmpty
        return .object([
            ("name", .string(feature.name)), ("test", .text(feature.test)),
            ("score", isTold ? .number(feature.score) : .null),
            ("threshold", isTold ? .number(feature.threshold) : .null),
            ("drift", isTold ? .bool(feature.isDrift) : .null),
            ("cannot_tell", .text(feature.cannotTell)),
            ("nulls_moved", .bool(feature.nullsMoved)),
            ("reference", feature.hasReference ? json(feature.reference) : .null),
            ("current", feature.hasCurrent ? json(feature.current) : .null),
        ])
    }

    static func json(_ feature: WireFeatureProfile) -> JSONValue {
        func numbers(_ values: [Double]) -> JSONValue { .array(values.map { .number($0) }) }
        func optional(_ has: Bool, _ value: Double) -> JSONValue { has ? .number(value) : .null }
        return .object([
            ("name", .string(feature.name)), ("type", .string(feature.type)),
            ("rows", .uint(feature.rows)), ("nulls", .uint(feature.nulls)),
            ("expired", .uint(feature.expired)), ("not_found", .uint(feature.notFound)),
            ("late", .uint(feature.late)), ("not_finite", .uint(feature.notFinite)),
            ("distinct", .number(feature.distinct)), ("exact", .bool(feature.exact)),
            ("minimum", optional(feature.hasMinimum, feature.minimum)),
            ("maximum", optional(feature.hasMaximum, feature.maximum)),
            ("mean", optional(feature.hasMean, feature.mean)),
            ("deviation", optional(feature.hasDeviation, feature.deviation)),
            (
                "quantiles",
                .object(feature.quantiles.map { ("\($0.share)", .number($0.value)) })
            ),
            ("edges", numbers(feature.edges)), ("counts", numbers(feature.counts)),
            (
                "top",
                .array(
                    feature.top.map {
                        .object([("value", .string($0.text)), ("count", .uint($0.count))])
                    }
                )
            ),
            ("dimension_means", numbers(feature.dimensionMeans)),
        ])
    }
}
