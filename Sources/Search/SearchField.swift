package import Domain

/// What of a run or a version is compared.
package enum SearchField: Sendable, Hashable, CustomStringConvertible {
    case property(SearchProperty)
    case param(String)
    case tag(String)
    case metric(SearchMetric)

    package var description: String {
        switch self {
        case .property(let property): property.rawValue
        case .param(let key): "param." + Self.key(key)
        case .tag(let key): "tag." + Self.key(key)
        case .metric(let metric): metric.description
        }
    }

    fileprivate static func key(_ key: String) -> String {
        SearchText.isWord(key) ? key : SearchText.quoted(key)
    }
}

/// What every run or version has, or may have.
package enum SearchProperty: String, Sendable, Hashable, CaseIterable {
    /// Of a run, or of the run of a version.
    case run, experiment, name, status, started, ended
    /// Of a version, or of any version that was registered from a run.
    case model, version, stage, alias, description, registered
    /// Of each of them.
    case actor, code
    case trainingSet = "training_set"
    case service

    package enum Kind { case text, number, time }

    package var kind: Kind {
        switch self {
        case .run, .experiment, .name, .status, .model, .stage, .alias, .description, .actor,
            .code, .trainingSet, .service:
            .text
        case .version: .number
        case .started, .ended, .registered: .time
        }
    }

    /// Whether it is a version's, not a run's or both.
    package var isOfVersion: Bool {
        switch self {
        case .model, .version, .stage, .alias, .description, .registered: true
        case .run, .experiment, .name, .status, .started, .ended, .actor, .code, .trainingSet,
            .service:
            false
        }
    }
}

/// A metric, and which of its points.
package struct SearchMetric: Sendable, Hashable, CustomStringConvertible {
    package enum Point: Sendable, Hashable {
        /// Of the greatest step, then of the greatest time.
        case last
        /// The greatest where `>` or `>=` compares it, the least where `<` or `<=` does.
        case best
        /// The last one of this step.
        case step(Int64)
    }

    package var name: String
    /// Nil is any.
    package var dataSet: String?
    package var point: Point

    package init(name: String, dataSet: String? = nil, point: Point = .last) {
        self.name = name
        self.dataSet = dataSet
        self.point = point
    }

    package var description: String {
        var text = "metric." + SearchField.key(name)
        if let dataSet { text += " on " + SearchValue(text: dataSet).description }
        switch point {
        case .last: break
        case .best: text += " best"
        case .step(let step): text += " at \(step)"
        }
        return text
    }
}

/// Something that versions are made of, as `view:credit_history`.
package enum SearchSource: Sendable, Hashable, CustomStringConvertible {
    case view(FeatureViewName)
    case feature(FeatureViewName, FeatureName)
    /// Any version of it where none is named.
    case service(FeatureServiceReference)
    case trainingSet(TrainingSetID)
    case importID(String)
    case run(RunID)
    case artifact(ContentDigest)

    package init(text: String) throws(AlulaError) {
        guard let colon = text.firstIndex(of: ":") else { throw Self.unknown }
        let name = String(text[text.index(after: colon)...])
        switch text[..<colon] {
        case "view": self = .view(try FeatureViewName(name, as: "view"))
        case "feature":
            let parts = name.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2 else {
                throw .invalid("a feature is named as feature:VIEW:FEATURE")
            }
            self = .feature(
                try FeatureViewName(String(parts[0]), as: "view"),
                try FeatureName(String(parts[1]), as: "feature")
            )
        case "service": self = .service(try FeatureServiceReference(text: name))
        case "training_set":
            self = .trainingSet(try TrainingSetID(name, as: "training set"))
        case "import": self = .importID(try RunID(name, as: "import").text)
        case "run": self = .run(try RunID(name, as: "run"))
        case "artifact": self = .artifact(try ContentDigest(hex: name))
        default: throw Self.unknown
        }
    }

    package var description: String {
        switch self {
        case .view(let view): "view:\(view)"
        case .feature(let view, let feature): "feature:\(view):\(feature)"
        case .service(let service): "service:\(service)"
        case .trainingSet(let id): "training_set:\(id)"
        case .importID(let id): "import:\(id)"
        case .run(let id): "run:\(id)"
        case .artifact(let digest): "artifact:\(digest)"
        }
    }

    private static let unknown = AlulaError.invalid(
        "expected view:NAME, feature:VIEW:NAME, service:NAME, service:NAME@VERSION, "
            + "training_set:ID, import:ID, run:ID or artifact:SHA-256"
    )
}
