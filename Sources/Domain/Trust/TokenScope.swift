/// What of the server a token is about; nil is everything of the kind.
package struct TokenScope: Sendable, Hashable {
    package var projects: Set<ProjectName>?
    package var views: Set<FeatureViewName>?
    package var models: Set<RegisteredModelName>?

    package init(
        projects: Set<ProjectName>? = nil,
        views: Set<FeatureViewName>? = nil,
        models: Set<RegisteredModelName>? = nil
    ) {
        self.projects = projects
        self.views = views
        self.models = models
    }

    package static let everything = TokenScope()

    package var isEverything: Bool { projects == nil && views == nil && models == nil }

    package func covers(_ project: ProjectName) -> Bool { projects?.contains(project) ?? true }

    package func covers(_ view: FeatureViewName) -> Bool { views?.contains(view) ?? true }

    package func covers(_ model: RegisteredModelName) -> Bool { models?.contains(model) ?? true }
}
