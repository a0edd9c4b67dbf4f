package import Domain

/// What one feature was served as, against what history says.
package struct FeatureSkew: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        /// History has had another value all along.
        case differs
        /// History had a value that was not served.
        case missing
        /// A value was served that history did not have.
        case extra
        /// It was served as it was known then, and history has another value since: what a training
        /// set sees now was not there to be served.
        case late
        /// It was served as it was known then, and history has no value any more.
        case withdrawn
    }

    package struct Example: Sendable, Hashable {
        package var id: PredictionID
        package var kind: Kind
        package var key: String
        /// Values as text; nil where there was none.
        package var served: String?
        package var then: String?
        package var now: String?
    }

    package var column: String
    package var view: FeatureViewName
    package var same: UInt64 = 0
    package var counts: [Kind: UInt64] = [:]
    package var examples: [Example] = []

    /// Of each kind.
    static let mostExamples = 3

    init(_ column: String, _ view: FeatureViewName) {
        self.column = column
        self.view = view
    }

    /// Says what became of one value; equal ones need no look at what was known then.
    static func kind(hasServed: Bool, hasNow: Bool, wasSoThen: Bool, hadThen: Bool) -> Kind {
        if wasSoThen { return hasNow ? .late : .withdrawn }
        if hasServed { return hadThen ? .differs : .extra }
        return .missing
    }
}

/// The comparison of the vectors of one service version with history.
package struct ServiceSkew: Sendable, Hashable {
    package var service: String
    package var versions: Set<UInt32> = []
    package var rows: UInt64 = 0
    package var features: [FeatureSkew]
    /// Rows that differ and whose cause was not looked for, because there are too many log positions.
    package var notReplayed: UInt64 = 0
    package var since: Timestamp?
    package var until: Timestamp?

    package init(_ plan: FeaturePlan) {
        service = plan.service.description
        features = plan.views.flatMap { part in
            part.features.map { FeatureSkew($0.column.text, part.view.name) }
        }
    }
}
