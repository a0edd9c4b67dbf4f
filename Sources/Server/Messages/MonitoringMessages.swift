import Domain
package import Statistics
package import Wire

extension WireProfile {
    init(_ profile: TableProfile) {
        self.init()
        rows = profile.rows
        features = profile.features.map { WireFeatureProfile($0) }
    }
}

extension WireFeatureProfile {
    private static let bins = 20
    private static let mostTop = 10
    private static let shares = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]

    init(_ profile: FeatureProfile) {
        self.init()
        name = profile.name
        type = profile.type.description
        rows = profile.rows
        nulls = profile.nulls
        expired = profile.expired
        notFound = profile.notFound
        late = profile.late
        notFinite = profile.notFinite
        distinct = profile.distinctCount
        dimensionMeans = profile.dimensionMeans
        top = profile.top(Self.mostTop).map { value in
            var top = WireTopValue()
            top.text = value.text
            top.count = value.count
            return top
        }
        switch profile.kind {
        case .categories: exact = profile.texts.isExact
        case .numbers:
            exact = profile.hasEveryValue
            guard profile.moments.count > 0 else { return }
            minimum = profile.moments.minimum
            maximum = profile.moments.maximum
            mean = profile.moments.mean
            deviation = profile.moments.deviation
            (edges, counts) = profile.histogram(bins: Self.bins)
            quantiles = Self.shares.map { share in
                var quantile = WireQuantile()
                quantile.share = share
                quantile.value = profile.quantiles.quantile(share) ?? .nan
                return quantile
            }
        }
    }
}

extension WireDrift {
    package init(_ report: DriftReport) {
        self.init()
        features = report.features.map { WireFeatureDrift($0) }
        compared = UInt32(report.compared)
        drifted = UInt32(report.drifted)
        share = report.driftedShare
        shareThreshold = report.options.share
        isDrift = report.isDrift
    }
}

extension WireFeatureDrift {
    private static let bins = 30

    init(_ drift: FeatureDrift) {
        self.init()
        name = drift.name
        nullsMoved = drift.nullsMoved
        switch drift.verdict {
        case .cannotTell(let why): cannotTell = why
        case .scored(let test, let score, let threshold, let isDrift):
            self.test = test.rawValue
            self.score = score
            self.threshold = threshold
            self.isDrift = isDrift
        }
        if let profile = drift.reference { reference = WireFeatureProfile(profile) }
        if let profile = drift.current { current = WireFeatureProfile(profile) }
        shareBins(drift)
    }

    /// One set of bins for both, from the least to the greatest value of the two.
    private mutating func shareBins(_ drift: FeatureDrift) {
        guard let before = drift.reference, let now = drift.current,
            case .numbers(let first) = before.distribution, !first.isEmpty,
            case .numbers(let second) = now.distribution, !second.isEmpty
        else { return }
        let edges = FeatureProfile.sharedEdges(before, now, bins: Self.bins)
        (reference.edges, reference.counts) = (edges, first.histogram(edges))
        (current.edges, current.counts) = (edges, second.histogram(edges))
    }
}
