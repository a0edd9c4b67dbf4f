package import Domain

/// The distribution of one feature, in bounded memory; two of them make one.
///
/// Numbers have moments, quantiles and the different values where there are at most 64; what has no
/// order has its most frequent values; a list has its length, or, where its items are numbers, its norm,
/// in the place of a number, and a fixed list of numbers the mean of each dimension.
package struct FeatureProfile: Sendable, Hashable {
    package var name: String
    package var type: ValueType
    /// Rows, whatever stood in them.
    package var rows: UInt64 = 0
    package var nulls: UInt64 = 0
    /// Of the nulls: only older rows existed, or no row at all.
    package var expired: UInt64 = 0
    package var notFound: UInt64 = 0
    /// Values recorded after the moment that they were joined to.
    package var late: UInt64 = 0
    /// Values that are NaN or infinite; they are in nothing below but `rows`.
    package var notFinite: UInt64 = 0
    package var moments = Moments()
    package var quantiles = QuantileSketch()
    /// Whether `quantiles` has each different value with its exact count.
    package var hasEveryValue = false
    package var distinct = DistinctCounter()
    package var texts = FrequentTexts()
    /// Sums of each dimension of a fixed list; at most `mostDimensions` of them.
    package var dimensionSums: [Double] = []
    package static let mostDimensions = 4_096

    package init(name: String, type: ValueType) {
        self.name = name
        self.type = type
    }

    package enum Kind: Sendable { case numbers, categories }

    /// What its values are compared as.
    package var kind: Kind {
        switch type {
        case .scalar(.bool), .scalar(.string), .scalar(.bytes): .categories
        case .scalar(.int32), .scalar(.int64), .scalar(.float32), .scalar(.float64),
            .scalar(.timestamp), .list, .fixedList:
            .numbers
        }
    }

    /// Different values: exact up to 64 numbers or 256 texts, else with a standard error of 1.6 %.
    package var distinctCount: Double {
        switch kind {
        case .numbers: hasEveryValue ? Double(quantiles.points.count) : distinct.estimate
        case .categories: texts.isExact ? Double(texts.ordered.count) : distinct.estimate
        }
    }

    package var nullShare: Double { share(nulls) }
    package func share(_ count: UInt64) -> Double {
        rows == 0 ? 0 : Double(count) / Double(rows)
    }

    package var dimensionMeans: [Double] {
        dimensionSums.map { $0 / Double(max(1, moments.count)) }
    }

    /// One of each of these, which are of the same feature; nil where there is none or types differ.
    package static func merging(_ profiles: [FeatureProfile]) -> FeatureProfile? {
        guard var whole = profiles.first,
            profiles.allSatisfy({ $0.type == whole.type })
        else { return nil }
        for other in profiles.dropFirst() {
            whole.rows += other.rows
            whole.nulls += other.nulls
            whole.expired += other.expired
            whole.notFound += other.notFound
            whole.late += other.late
            whole.notFinite += other.notFinite
            whole.moments.merge(other.moments)
            whole.distinct.merge(other.distinct)
            whole.texts.merge(other.texts)
            if whole.dimensionSums.isEmpty { whole.dimensionSums = other.dimensionSums }
            if whole.dimensionSums.count == other.dimensionSums.count, other.moments.count > 0 {
                for index in whole.dimensionSums.indices {
                    whole.dimensionSums[index] += other.dimensionSums[index]
                }
            }
        }
        let counted = profiles.filter { $0.moments.count > 0 }
        if counted.allSatisfy(\.hasEveryValue), let table = NumberTable(counted) {
            whole.quantiles = QuantileSketch(table.entries)
            whole.hasEveryValue = true
        } else {
            whole.quantiles = QuantileSketch.merging(counted.map(\.quantiles))
            whole.hasEveryValue = false
        }
        return whole
    }
}

extension NumberTable {
    /// What all of them counted; nil where there are too many different values.
    init?(_ profiles: [FeatureProfile]) {
        self.init()
        for profile in profiles {
            var before = 0.0
            for (value, upTo) in zip(profile.quantiles.points, profile.quantiles.cumulative) {
                guard add(value, UInt64(upTo - before)) else { return nil }
                before = upTo
            }
        }
    }
}

extension FeatureProfile {
    /// Its values, to be compared; null values are not among them.
    package var distribution: Distribution {
        switch kind {
        case .numbers:
            let isInteger =
                switch type {
                case .scalar(.int32), .scalar(.int64), .scalar(.timestamp): true
                case .scalar, .list, .fixedList: false
                }
            return .numbers(
                NumericSample(
                    values: quantiles.points,
                    cumulative: quantiles.cumulative,
                    deviation: moments.deviation,
                    minimum: moments.minimum,
                    maximum: moments.maximum,
                    distinct: distinctCount,
                    isInteger: isInteger
                )
            )
        case .categories:
            var counts: [String: Double] = [:]
            var known: UInt64 = 0
            for (_, text, count) in texts.ordered {
                counts[String(decoding: text, as: UTF8.self), default: 0] += Double(count)
                known += count
            }
            let all = rows - min(nulls, rows)
            return .categories(
                CategoryCounts(
                    counts,
                    others: texts.isExact || all <= known ? 0 : Double(all - known)
                )
            )
        }
    }

    /// Counts of bins of equal width from the least to the greatest value, as the sketch has them.
    package func histogram(bins: Int) -> (edges: [Double], counts: [Double]) {
        guard case .numbers(let sample) = distribution, !sample.isEmpty, bins > 0 else {
            return ([], [])
        }
        let edges = Self.sharedEdges(self, self, bins: bins)
        return (edges, sample.histogram(edges))
    }

    /// Edges of bins of equal width from the least to the greatest value of two profiles.
    package static func sharedEdges(
        _ first: FeatureProfile,
        _ second: FeatureProfile,
        bins: Int
    ) -> [Double] {
        var low = min(first.moments.minimum, second.moments.minimum)
        var high = max(first.moments.maximum, second.moments.maximum)
        if low == high { (low, high) = (low - 0.5, high + 0.5) }
        return (0...bins).map {
            $0 == bins ? high : low + (high - low) * Double($0) / Double(bins)
        }
    }

    /// The most frequent values first; empty for numbers with more than 64 different ones.
    package func top(_ most: Int) -> [(text: String, count: UInt64)] {
        switch kind {
        case .categories:
            return texts.ordered.prefix(most).map {
                (text: String(decoding: $0.text, as: UTF8.self), count: $0.count)
            }
        case .numbers:
            guard hasEveryValue else { return [] }
            var before = 0.0
            var entries: [(value: Double, count: UInt64)] = []
            for (value, upTo) in zip(quantiles.points, quantiles.cumulative) {
                entries.append((value, UInt64(upTo - before)))
                before = upTo
            }
            return entries.sorted {
                $0.count != $1.count ? $0.count > $1.count : $0.value < $1.value
            }
            .prefix(most).map { (text: Self.text($0.value), count: $0.count) }
        }
    }

    private static func text(_ value: Double) -> String {
        if let whole = Int64(exactly: value) { return String(whole) }
        return "\(value)"
    }
}
