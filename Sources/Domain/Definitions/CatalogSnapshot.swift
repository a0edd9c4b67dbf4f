/// An immutable picture of the definitions of all projects at one catalog revision.
public struct CatalogSnapshot: Sendable {
    /// The definitions of one project.
    public struct Project: Sendable {
        public var name: ProjectName
        public var entities: [EntityName: Entity]
        public var views: [FeatureViewName: FeatureView]
        /// Every published version, ascending.
        public var services: [FeatureServiceName: [FeatureService]]
        public var retiredServices: Set<FeatureServiceName>
        /// Of services of which versions were dropped, the last of these.
        public var droppedServices: [FeatureServiceName: UInt32]

        public init(
            name: ProjectName,
            entities: [EntityName: Entity] = [:],
            views: [FeatureViewName: FeatureView] = [:],
            services: [FeatureServiceName: [FeatureService]] = [:],
            retiredServices: Set<FeatureServiceName> = [],
            droppedServices: [FeatureServiceName: UInt32] = [:]
        ) {
            self.name = name
            self.entities = entities
            self.views = views
            self.services = services
            self.retiredServices = retiredServices
            self.droppedServices = droppedServices
        }
    }

    /// Grows by one with every apply that changed something.
    public let revision: UInt64
    public let projects: [ProjectName: Project]
    /// Views that were dropped: nothing reads them, and what they hold is erased behind.
    public let droppedViews: [DroppedView]
    private let viewsByID: [FeatureViewID: FeatureView]
    private let viewNames: [FeatureViewID: FeatureViewName]

    public init(
        revision: UInt64,
        projects: [ProjectName: Project],
        droppedViews: [DroppedView] = []
    ) {
        self.revision = revision
        self.projects = projects
        self.droppedViews = droppedViews
        var byID: [FeatureViewID: FeatureView] = [:]
        for project in projects.values {
            for view in project.views.values { byID[view.id] = view }
        }
        viewsByID = byID
        viewNames = byID.mapValues(\.name)
    }

    public static let empty = CatalogSnapshot(revision: 0, projects: [:])

    /// The present name of the view of this id.
    public func viewName(_ id: FeatureViewID) -> FeatureViewName? { viewNames[id] }

    /// The view of this id in any project; nil where there never was one or it was dropped.
    public func view(id: FeatureViewID) -> FeatureView? { viewsByID[id] }

    public func isDropped(_ id: FeatureViewID) -> Bool {
        droppedViews.contains { $0.view.id == id }
    }

    /// The named project; an empty name means the only one.
    public func project(_ name: String) throws(AlulaError) -> Project {
        let known = projects.keys.sorted()
        if name.isEmpty {
            if projects.count == 1, let only = projects.values.first { return only }
            guard !projects.isEmpty else {
                throw .refused(
                    "nothing is defined yet",
                    help: "apply a definitions file first: alula apply definitions.yaml"
                )
            }
            throw .invalid(
                "a project is wanted: there are \(known.count)",
                help: "choose one with --project, ALULA_PROJECT or connect(project=)",
                details: known.map(\.text)
            )
        }
        guard let key = ProjectName(name), let project = projects[key] else {
            throw .notFound(
                "there is no project \"\(name)\"" + hint(name, among: known.map(\.text))
            )
        }
        return project
    }
}

extension CatalogSnapshot.Project {
    public func view(_ name: String) throws(AlulaError) -> FeatureView {
        guard let key = FeatureViewName(name), let view = views[key] else {
            throw .notFound(
                "there is no view \"\(name)\" in project \(self.name)"
                    + hint(name, among: views.keys.map(\.text))
            )
        }
        return view
    }

    public func entity(_ name: String) throws(AlulaError) -> Entity {
        guard let key = EntityName(name), let entity = entities[key] else {
            throw .notFound(
                "there is no entity \"\(name)\" in project \(self.name)"
                    + hint(name, among: entities.keys.map(\.text))
            )
        }
        return entity
    }

    /// The version asked for, or the newest.
    public func service(_ reference: FeatureServiceReference) throws(AlulaError) -> FeatureService {
        if let dropped = droppedServices[reference.name],
            reference.version.map({ (1...dropped).contains($0) })
                ?? (services[reference.name] == nil)
        {
            throw .refused("service \(reference) was dropped")
        }
        guard let versions = services[reference.name], let newest = versions.last else {
            throw .notFound(
                "there is no service \"\(reference.name)\" in project \(name)"
                    + hint(reference.name.text, among: services.keys.map(\.text))
            )
        }
        guard let number = reference.version else { return newest }
        guard let version = versions.first(where: { $0.version == number }) else {
            throw .notFound(
                "service \(reference.name) has no version \(number): the newest is \(newest.version)"
            )
        }
        return version
    }
}

/// A view that is no more, with the moment from which on it was not.
public struct DroppedView: Sendable, Hashable {
    public var project: ProjectName
    public var view: FeatureView
    public var time: Timestamp

    public init(project: ProjectName, view: FeatureView, time: Timestamp) {
        self.project = project
        self.view = view
        self.time = time
    }
}

/// `: did you mean "x"?` where a known name is close; else nothing.
public func hint(_ name: String, among known: [String]) -> String {
    let close = known.map { (name: $0, distance: editDistance(name, $0)) }
        .map { $0.name.lowercased() == name.lowercased() ? (name: $0.name, distance: 0) : $0 }
        // Of a name of one letter any other is one letter away.
        .filter { $0.distance == 0 || $0.distance <= max(1, name.count / 3) && name.count > 1 }
        .min { ($0.distance, $0.name) < ($1.distance, $1.name) }
    return close.map { ": did you mean \"\($0.name)\"?" } ?? ""
}

private func editDistance(_ left: String, _ right: String) -> Int {
    let (left, right) = (Array(left.utf8.prefix(128)), Array(right.utf8.prefix(128)))
    var row = Array(0...right.count)
    for (i, byte) in left.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, other) in right.enumerated() {
            let substitution = diagonal + (byte == other ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(substitution, diagonal + 1, row[j] + 1)
        }
    }
    return row[right.count]
}
