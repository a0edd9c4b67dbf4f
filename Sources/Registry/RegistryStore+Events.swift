package import Domain

/// An event, and whose it is.
package struct ProjectEvent: Sendable, Hashable {
    package var project: ProjectName
    package var event: RegistryEvent
}

extension RegistryStore {
    /// Events behind a revision and up to another, of one model or of all, in their order.
    package func events(
        after revision: UInt64,
        through last: UInt64 = .max,
        project: ProjectName,
        model: RegisteredModelName? = nil,
        limit: Int
    ) throws(AlulaError) -> [RegistryEvent] {
        try read {
            try $0.events(
                after: revision,
                through: last,
                project: project,
                model: model,
                limit: limit
            ).map(\.event)
        }
    }

    /// Events of all projects behind a revision and up to another, in their order.
    package func events(
        after revision: UInt64,
        through last: UInt64,
        limit: Int
    ) throws(AlulaError) -> [ProjectEvent] {
        try read {
            try $0.events(
                after: revision,
                through: last,
                project: nil,
                model: nil,
                limit: limit
            )
        }
    }

    /// How many there are behind a revision and up to another.
    package func eventCount(
        after revision: UInt64,
        through last: UInt64,
        project: ProjectName,
        model: RegisteredModelName?
    ) throws(AlulaError) -> UInt64 {
        try read {
            try $0.eventCount(after: revision, through: last, project: project, model: model)
        }
    }
}
