/// A service version resolved against a catalog snapshot: all that the stores need to answer, as a value.
public struct FeaturePlan: Sendable, Hashable {
    /// One view in one role: which rows to look for, and what to take from them.
    public struct ViewPart: Sendable, Hashable {
        public var view: FeatureView
        /// The role where there is one, else the view's name; unique in the plan.
        public var label: String
        /// For each join key, the column that holds it.
        public var keyColumns: [FeatureService.KeyColumn]
        public var lookback: TimeSpan?
        public var maxAge: TimeSpan?
        /// The features taken, in the order of the answer, with the types they were published with.
        public var features: [FeatureService.Selection]

        public init(
            view: FeatureView,
            label: String,
            keyColumns: [FeatureService.KeyColumn],
            lookback: TimeSpan?,
            maxAge: TimeSpan?,
            features: [FeatureService.Selection]
        ) {
            self.view = view
            self.label = label
            self.keyColumns = keyColumns
            self.lookback = lookback
            self.maxAge = maxAge
            self.features = features
        }
    }

    public var service: FeatureServiceReference
    public var snapshotRevision: UInt64
    public var views: [ViewPart]
    public var requestFields: [FeatureService.RequestField]

    public init(
        service: FeatureServiceReference,
        snapshotRevision: UInt64,
        views: [ViewPart],
        requestFields: [FeatureService.RequestField]
    ) {
        self.service = service
        self.snapshotRevision = snapshotRevision
        self.views = views
        self.requestFields = requestFields
    }

    /// The vector of the service: its features in order, then its request fields.
    public var schema: Schema {
        Schema(
            fields: views.flatMap { part in
                part.features.map { Schema.Field(name: $0.column.text, type: $0.type) }
            } + requestFields.map { Schema.Field(name: $0.name.text, type: $0.type) }
        )
    }

    /// The same views and keys, and no features: of what has its features already.
    public var keysOnly: FeaturePlan {
        var plan = self
        for index in plan.views.indices { plan.views[index].features = [] }
        return plan
    }

    /// Every key column once, in order of first use.
    public var keyColumns: [FeatureService.KeyColumn] {
        var seen: Set<ColumnName> = []
        return views.flatMap(\.keyColumns).filter { seen.insert($0.name).inserted }
    }
}

extension FeatureService {
    /// Resolves this version against the snapshot it is to be answered with.
    public func plan(in snapshot: CatalogSnapshot) throws(AlulaError) -> FeaturePlan {
        var parts: [FeaturePlan.ViewPart] = []
        var uses: [String: Int] = [:]
        for projection in projections {
            guard let view = snapshot.view(id: projection.view) else {
                throw .refused(
                    "service \(reference) reads view \(projection.viewName), which was dropped"
                )
            }
            // A view whose features do not stand together is projected more than once: `place#2`.
            let name = (projection.role ?? projection.viewName).text
            let use = uses[name, default: 0] + 1
            uses[name] = use
            parts.append(
                FeaturePlan.ViewPart(
                    view: view,
                    label: use == 1 ? name : "\(name)#\(use)",
                    keyColumns: projection.keyColumns,
                    lookback: projection.lookback,
                    maxAge: projection.maxAge,
                    features: projection.features
                )
            )
        }
        return FeaturePlan(
            service: reference,
            snapshotRevision: snapshot.revision,
            views: parts,
            requestFields: requestFields
        )
    }
}
