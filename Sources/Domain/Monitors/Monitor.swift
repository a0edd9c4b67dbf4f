package enum MonitorKind {}
package typealias MonitorName = Name<MonitorKind>

/// What the server looks at again and again, and when that is an alarm.
package struct Monitor: Sendable, Hashable {
    /// The figure that is looked at.
    package enum Figure: String, Sendable, Hashable, CaseIterable {
        /// Of one feature, as it was served.
        case drift
        /// The share of features that drifted.
        case driftedShare = "drifted_share"
        case predictionDrift = "prediction_drift"
        /// Of a feature: rows served without a value, for whatever reason.
        case nullShare = "null_share"
        /// Of a feature: rows served without a value because only older ones were there.
        case expiredShare = "expired_share"
        /// A metric of predictions and the outcomes that came.
        case performance
        /// Predictions that have no outcome yet.
        case missingOutcomes = "missing_outcomes"
        /// Vectors that the model server could not predict, or that the server refused to serve.
        case errors
        /// Vectors that were served, and neither predicted nor told to have failed.
        case unpredicted
        /// How long ago the newest row of a view was so.
        case freshness

        package var needsFeature: Bool {
            switch self {
            case .drift, .nullShare, .expiredShare: true
            case .driftedShare, .predictionDrift, .performance, .missingOutcomes, .errors,
                .unpredicted, .freshness:
                false
            }
        }

        /// Whether it is a comparison, and not a number of its own.
        package var isDrift: Bool {
            switch self {
            case .drift, .driftedShare, .predictionDrift: true
            case .nullShare, .expiredShare, .performance, .missingOutcomes, .errors, .unpredicted,
                .freshness:
                false
            }
        }
    }

    package enum Subject: Sendable, Hashable {
        case model(RegisteredModelName)
        case view(FeatureViewName)
    }

    /// What the figure is compared with.
    package enum Reference: Sendable, Hashable {
        /// What the newest version served was trained on, or measured with.
        case training
        case trainingSet(String)
        /// What was served in a span that ends where the window begins.
        case window(TimeSpan)
    }

    package var name: MonitorName
    package var subject: Subject
    package var figure: Figure
    /// Empty where the figure is of none.
    package var feature: String
    /// Of `performance`; else empty.
    package var metric: String
    /// Nil takes the figure by itself.
    package var reference: Reference?
    package var window: TimeSpan
    /// The window ends that long ago, so that outcomes have time to come.
    package var delay: TimeSpan
    /// Fewer rows tell nothing.
    package var minRows: UInt64
    /// Nil takes the usual one of the test; of `freshness` it is in seconds.
    package var threshold: Double?
    /// The name of a drift test; empty takes the usual one for the data.
    package var test: String
    /// How long it must hold before it is an alarm.
    package var hold: TimeSpan
    package var every: TimeSpan

    package init(
        name: MonitorName,
        subject: Subject,
        figure: Figure,
        feature: String = "",
        metric: String = "",
        reference: Reference? = nil,
        window: TimeSpan = .seconds(86_400),
        delay: TimeSpan = .seconds(0),
        minRows: UInt64 = 100,
        threshold: Double? = nil,
        test: String = "",
        hold: TimeSpan = .seconds(0),
        every: TimeSpan = .seconds(300)
    ) {
        self.name = name
        self.subject = subject
        self.figure = figure
        self.feature = feature
        self.metric = metric
        self.reference = reference
        self.window = window
        self.delay = delay
        self.minRows = minRows
        self.threshold = threshold
        self.test = test
        self.hold = hold
        self.every = every
    }

    package var model: RegisteredModelName? {
        if case .model(let name) = subject { name } else { nil }
    }

    /// Metrics that `performance` takes, and whether more is better.
    package static let metrics: [(name: String, isHigherBetter: Bool)] = [
        ("accuracy", true), ("precision", true), ("recall", true), ("f1", true), ("auc", true),
        ("log_loss", false), ("brier", false), ("calibration_error", false), ("mae", false),
        ("rmse", false), ("r2", true),
    ]

    package var isHigherBetter: Bool {
        Self.metrics.first { $0.name == metric }?.isHigherBetter ?? false
    }
}

/// A monitor and how often it was defined anew.
package struct VersionedMonitor: Sendable, Hashable {
    package var monitor: Monitor
    package var version: UInt32
    package var isRetired: Bool

    package init(monitor: Monitor, version: UInt32, isRetired: Bool = false) {
        self.monitor = monitor
        self.version = version
        self.isRetired = isRetired
    }
}

extension Monitor {
    /// What is looked at, such as `drift of income`.
    package var title: String {
        switch figure {
        case .drift: "drift of \(feature)"
        case .driftedShare: "share of features that drifted"
        case .predictionDrift: "drift of predictions"
        case .nullShare: "null share of \(feature)"
        case .expiredShare: "expired share of \(feature)"
        case .performance: metric
        case .missingOutcomes: "share of outcomes missing"
        case .errors: "share of errors"
        case .unpredicted: "share without a prediction"
        case .freshness: "freshness"
        }
    }

    /// For people, part by part.
    package var descriptions: [String] {
        var lines = [title]
        switch subject {
        case .model(let name): lines[0] += " of model \(name)"
        case .view(let name): lines[0] += " of view \(name)"
        }
        if figure != .freshness {
            var span = "over \(window)"
            if delay.microseconds > 0 { span += " until \(delay) ago" }
            lines.append(span + ", of \(minRows) rows at least")
        }
        switch reference {
        case .training: lines.append("against training")
        case .trainingSet(let id): lines.append("against \(id)")
        case .window(let span): lines.append("against the \(span) before")
        case nil: break
        }
        if !test.isEmpty { lines.append("test \(test)") }
        switch (threshold, figure) {
        case (let threshold?, .freshness):
            let span = TimeSpan(microseconds: Int64(threshold * 1_000_000))
            lines.append("threshold \(span)")
        case (let threshold?, _): lines.append("threshold \(threshold)")
        case (nil, _): break
        }
        if hold.microseconds > 0 { lines.append("for \(hold)") }
        lines.append("every \(every)")
        return lines
    }
}
