import Wire

/// One feature on a page: what it was and what it is, side by side.
struct FeatureCard {
    let feature: WireFeatureDrift

    /// Of all features: those with drift first, those that cannot be told last.
    static func cards(_ drift: WireDrift) -> [String] {
        drift.features.map { Self(feature: $0) }.sorted { $0.rank < $1.rank }.map(\.text)
    }

    private var rank: Int {
        feature.isDrift ? 0 : feature.nullsMoved ? 1 : feature.cannotTell.isEmpty ? 2 : 3
    }

    private var text: String {
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
            <section class="\(feature.isDrift ? "drift" : "fine")"><h3>\(Markup.text(feature.name))</h3>
            <p>\(Markup.text(score))\(verdict.isEmpty ? "" : " <b>\(Markup.text(verdict))</b>")</p>
            \(picture)
            <small>null \(nulls[1]), was \(nulls[0])\(means)</small></section>
            """
    }

    private var means: String {
        let (was, now) = (feature.reference, feature.current)
        guard was.hasMean, now.hasMean else { return "" }
        return "; mean \(DriftText.number(now.mean)), was \(DriftText.number(was.mean))"
    }

    /// Bars of both side by side, each in shares of its own rows.
    private var picture: String {
        let (was, now) = (feature.reference, feature.current)
        if !was.counts.isEmpty, was.counts.count == now.counts.count {
            let ends = [was.edges.first, was.edges.last].map { $0.map(DriftText.number) ?? "" }
            let names = zip(was.edges, was.edges.dropFirst()).map { low, high in
                "\(DriftText.number(low)) to \(DriftText.number(high))"
            }
            return bars(shares(was.counts), shares(now.counts), names, ends.map(Markup.text))
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
        let room = max(3, 56 / shown.count)
        return bars(counts(was), counts(now), shown, shown.map { Markup.short($0, room) })
    }

    private func shares(_ counts: [Double]) -> [Double] {
        let all = max(counts.reduce(0, +), 1)
        return counts.map { $0 / all }
    }

    /// `names` are of the bars; `labels` stand below them, or two at the ends.
    private func bars(
        _ was: [Double],
        _ now: [Double],
        _ names: [String],
        _ labels: [String]
    ) -> String {
        let most = max((was + now).max() ?? 0, 1e-9)
        let step = 320.0 / Double(max(was.count, 1))
        var shapes = ""
        for (index, pair) in zip(was, now).enumerated() {
            let name = index < names.count ? names[index] : ""
            for (side, share) in [pair.0, pair.1].enumerated() {
                let height = 90 * share / most
                let left = Double(index) * step + step * (0.06 + 0.44 * Double(side))
                shapes += Markup.rectangle(
                    side == 0 ? "was" : "now",
                    left,
                    95 - height,
                    step * 0.44,
                    height,
                    "\(name): \(side == 0 ? "was " : "")\(DriftText.percent(share))"
                )
            }
        }
        let areEnds = labels.count == 2 && was.count > 2
        for (index, label) in labels.enumerated() {
            let isLast = areEnds && index == 1
            let left = areEnds ? (isLast ? 320 : 0) : step * (Double(index) + 0.5)
            let anchor = areEnds ? (isLast ? "end" : "start") : "middle"
            shapes += Markup.label(left, 107, anchor, label)
        }
        return Markup.drawing(
            320,
            110,
            title: "Distribution of \(feature.name)",
            description: description(was, now, names),
            shapes
        )
    }

    /// What can be seen, in a sentence: where each has most of its rows.
    private func description(_ was: [Double], _ now: [Double], _ names: [String]) -> String {
        func most(_ shares: [Double]) -> String {
            guard let top = shares.indices.max(by: { shares[$0] < shares[$1] }), top < names.count
            else { return "nothing" }
            return "\(DriftText.percent(shares[top])) at \(names[top])"
        }
        return "Most were \(most(was)); now \(most(now))."
    }
}
