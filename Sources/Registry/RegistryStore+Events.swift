package import Domain
import GRDB

/// An event, and whose it is.
package struct ProjectEvent: Sendable, Hashable {
    package var project: ProjectName
    package var event: RegistryEvent
}

/// An import whose rows are in history.
package struct PublishedImport: Sendable, Hashable {
    package var id: String
    package var project: ProjectName
    /// Nil where the view is no longer defined.
    package var view: FeatureViewName?
    package var rows: UInt64
    /// For people.
    package var source: String

    package init(
        id: String,
        project: ProjectName,
        view: FeatureViewName?,
        rows: UInt64,
        source: String
    ) {
        self.id = id
        self.project = project
        self.view = view
        self.rows = rows
        self.source = source
    }
}

extension RegistryStore {
    /// Adds the event of an import that is published, unless it is there.
    ///
    /// The publication is an entry of the log, in another store: whoever has made one calls this
    /// before it is acknowledged, and a start for those that were not come to.
    package func tell(_ published: PublishedImport, call: WriteCall) throws(AlulaError) {
        try act { try $0.tell(published, call) }
    }

    /// The ids of imports that have their event.
    package func toldImports() throws(AlulaError) -> Set<String> {
        try read { tables in
            let rows = try tables.rows(
                "SELECT subject FROM registry_event WHERE kind = 'import published'",
                []
            )
            return Set(rows.map { $0["subject"] as String })
        }
    }

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
