extension TableProfile {
    /// Without what few rows have: see `FeatureProfile.coarse`.
    package var coarse: TableProfile {
        TableProfile(rows: rows, features: features.map(\.coarse))
    }
}

extension FeatureProfile {
    /// No value of fewer rows is left in a coarse profile.
    package static let coarseRows: UInt64 = 10
    /// Of fewer different values a counter says too well whether one was among them.
    private static let coarseDistinct = 1_000.0

    /// Counts, mean and deviation, and what at least ten rows have.
    ///
    /// That is frequent values, and quantiles that are means of ten neighbours or more. Least and
    /// greatest are the first and the last of those; of fewer than twenty values only the counts are
    /// left. Made coarse once more it is the same.
    package var coarse: FeatureProfile {
        var result = self
        result.hasEveryValue = false
        let values = rows - min(rows, nulls)
        guard values >= 2 * Self.coarseRows else {
            result.moments = Moments()
            result.quantiles = QuantileSketch()
            result.distinct = DistinctCounter()
            result.texts = FrequentTexts()
            result.dimensionSums = []
            return result
        }
        if distinctCount < Self.coarseDistinct { result.distinct = DistinctCounter() }
        switch kind {
        case .categories: result.texts = texts.coarse(Self.coarseRows)
        case .numbers:
            result.quantiles = quantiles.coarse(Double(Self.coarseRows))
            if let low = result.quantiles.points.first, let high = result.quantiles.points.last {
                result.moments = Moments(
                    count: moments.count,
                    mean: moments.mean,
                    squares: moments.squares,
                    minimum: low,
                    maximum: high
                )
            } else {
                result.moments = Moments()
                result.dimensionSums = []
            }
        }
        return result
    }
}

extension QuantileSketch {
    /// Of means of neighbours that stand for so many values together, or more.
    fileprivate func coarse(_ least: Double) -> QuantileSketch {
        var entries: [(value: Double, weight: Double)] = []
        var (sum, weight, before) = (0.0, 0.0, 0.0)
        for (value, upTo) in zip(points, cumulative) {
            let count = upTo - before
            before = upTo
            // What stands for many is not mixed with what stands for few before it.
            if weight == 0, count >= least {
                entries.append((value, count))
                continue
            }
            sum += value * count
            weight += count
            guard weight >= least else { continue }
            entries.append((sum / weight, weight))
            (sum, weight) = (0, 0)
        }
        if weight > 0 {
            guard let last = entries.popLast() else { return QuantileSketch() }
            let whole = last.weight + weight
            entries.append(((last.value * last.weight + sum) / whole, whole))
        }
        var upTo = 0.0
        let cumulative = entries.map {
            upTo += $0.weight
            return upTo
        }
        return QuantileSketch(points: entries.map(\.value), cumulative: cumulative)
            ?? QuantileSketch()
    }
}

extension FrequentTexts {
    /// Without texts that were seen fewer times.
    fileprivate func coarse(_ least: UInt64) -> FrequentTexts {
        let kept = ordered.filter { $0.count >= least }.prefix(Self.most)
        let isWhole = kept.count == ordered.count
        return FrequentTexts(Array(kept), lost: isWhole ? lost : max(lost, least - 1))
            ?? FrequentTexts()
    }
}
