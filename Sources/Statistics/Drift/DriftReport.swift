import Domain

/// What drift is looked for with.
package struct DriftOptions: Sendable, Hashable {
    /// Nil takes the usual one for the data.
    package var test: DriftTest?
    /// Nil takes the test's usual one.
    package var threshold: Double?
    /// The share of features with drift from which on the whole counts as drifted.
    package var share: Double
    /// A null share that moved by this much counts as a change.
    package var nullShare: Double

    package init(
        test: DriftTest? = nil,
        threshold: Double? = nil,
        share: Double = 0.5,
        nullShare: Double = 0.1
    ) {
        self.test = test
        self.threshold = threshold
        self.share = share
        self.nullShare = nullShare
    }
}

/// What became of one feature.
package struct FeatureDrift: Sendable, Hashable {
    package enum Verdict: Sendable, Hashable {
        case scored(DriftTest, score: Double, threshold: Double, isDrift: Bool)
        /// Why it cannot be told.
        case cannotTell(String)
    }

    package var name: String
    package var reference: FeatureProfile?
    package var current: FeatureProfile?
    package var verdict: Verdict
    /// Whether the share of nulls moved by as much as the options allow, or more.
    package var nullsMoved: Bool

    package var isDrift: Bool {
        if case .scored(_, _, _, true) = verdict { return true }
        return false
    }
}

/// How the features of one table moved against those of another.
package struct DriftReport: Sendable, Hashable {
    package var features: [FeatureDrift]
    package var options: DriftOptions

    /// Features that could be compared, and those of them with drift.
    package var compared: Int {
        features.count { if case .scored = $0.verdict { true } else { false } }
    }
    package var drifted: Int { features.count(where: \.isDrift) }
    package var driftedShare: Double {
        compared == 0 ? 0 : Double(drifted) / Double(compared)
    }
    /// Whether the drifted share reaches that of the options.
    package var isDrift: Bool { compared > 0 && driftedShare >= options.share }

    /// Compares the columns named, in their order; those of a name that neither has cannot be told.
    package init(
        reference: TableProfile,
        current: TableProfile,
        columns: [String],
        options: DriftOptions = DriftOptions()
    ) {
        self.options = options
        features = columns.map { name in
            FeatureDrift(name, reference[name], current[name], options)
        }
    }
}

extension FeatureDrift {
    package init(
        _ name: String,
        _ reference: FeatureProfile?,
        _ current: FeatureProfile?,
        _ options: DriftOptions
    ) {
        self.name = name
        self.reference = reference
        self.current = current
        guard let reference, let current else {
            nullsMoved = false
            let side = reference == nil ? "the reference" : "what is compared with it"
            verdict = .cannotTell("\(side) does not have it")
            return
        }
        nullsMoved =
            reference.rows > 0 && current.rows > 0
            && abs(reference.nullShare - current.nullShare) >= options.nullShare
        verdict = Self.verdict(reference, current, options)
    }

    private static func verdict(
        _ reference: FeatureProfile,
        _ current: FeatureProfile,
        _ options: DriftOptions
    ) -> Verdict {
        guard reference.kind == current.kind else {
            return .cannotTell("it was \(reference.type) and is \(current.type)")
        }
        let (before, now) = (reference.distribution, current.distribution)
        guard before.count > 0 else { return .cannotTell("the reference has no values") }
        guard now.count > 0 else { return .cannotTell("there are no values") }
        let test = options.test ?? Distribution.usualTest(before, now)
        let threshold = options.threshold ?? test.usualThreshold
        switch Result(catching: { () throws(AlulaError) in
            try Distribution.score(test, before, now)
        }) {
        case .success(let score) where score.isFinite:
            let isDrift = test.isDrift(score, threshold: threshold)
            return .scored(test, score: score, threshold: threshold, isDrift: isDrift)
        case .success: return .cannotTell("\(test.rawValue) has no score for these values")
        case .failure(let error): return .cannotTell(error.message)
        }
    }
}
