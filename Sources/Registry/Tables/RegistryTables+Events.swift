import Domain
import GRDB

extension RegistryTables {
    /// Adds an event, in the transaction of its change; who waits gets it after the commit.
    func tell(
        _ kind: RegistryEvent.Kind,
        of version: UInt32,
        in model: ModelRow,
        _ call: WriteCall,
        stage: Stage? = nil,
        other: Stage? = nil,
        alias: AliasName? = nil
    ) throws {
        let revision = try newestEvent() + 1
        try execute(
            "INSERT INTO registry_event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                Int64(revision), model.project.text, model.name.text, call.now.microseconds,
                kind.rawValue, version, stage?.text, other?.text, alias?.text, call.actor,
            ]
        )
        marks?.newestEvent = revision
        marks?.modelsChanged = true
    }

    /// What readers of models know is no longer so, from the commit on.
    package func modelsChanged() { marks?.modelsChanged = true }

    /// 0 where there is none.
    func newestEvent() throws -> UInt64 {
        UInt64(
            try Int64.fetchOne(
                database,
                sql: "SELECT ifnull(max(revision), 0) FROM registry_event"
            ) ?? 0
        )
    }

    /// Events behind a revision and up to another, in their order; nil is of all.
    func events(
        after revision: UInt64,
        through last: UInt64,
        project: ProjectName?,
        model: RegisteredModelName?,
        limit: Int
    ) throws -> [ProjectEvent] {
        var (condition, arguments) = Self.range(revision, last, project, model)
        arguments += ["limit": limit]
        return try rows(
            "SELECT * FROM registry_event WHERE \(condition) ORDER BY revision LIMIT :limit",
            arguments
        ).map {
            ProjectEvent(
                project: try ProjectName($0["project"], as: "project"),
                event: try Self.event($0)
            )
        }
    }

    func eventCount(
        after revision: UInt64,
        through last: UInt64,
        project: ProjectName,
        model: RegisteredModelName?
    ) throws -> UInt64 {
        let (condition, arguments) = Self.range(revision, last, project, model)
        return UInt64(
            try Int64.fetchOne(
                database,
                sql: "SELECT count(*) FROM registry_event WHERE \(condition)",
                arguments: arguments
            ) ?? 0
        )
    }

    private static func range(
        _ revision: UInt64,
        _ last: UInt64,
        _ project: ProjectName?,
        _ model: RegisteredModelName?
    ) -> (condition: String, arguments: StatementArguments) {
        var condition = "revision > :after AND revision <= :last"
        var arguments: StatementArguments = [
            "after": Int64(clamping: revision), "last": Int64(clamping: last),
        ]
        if let project {
            condition += " AND project = :project"
            arguments += ["project": project.text]
        }
        if let model {
            condition += " AND model = :model"
            arguments += ["model": model.text]
        }
        return (condition, arguments)
    }

    private static func event(_ row: Row) throws -> RegistryEvent {
        guard let kind = RegistryEvent.Kind(rawValue: row["kind"]) else {
            throw AlulaError.corrupt("a registry event has an unknown kind")
        }
        let (stage, other, alias): (String?, String?, String?) = (
            row["stage"], row["other"], row["alias"]
        )
        return RegistryEvent(
            revision: UInt64(clamping: row["revision"] as Int64),
            time: Timestamp(microseconds: row["time"]),
            kind: kind,
            model: try RegisteredModelName(row["model"], as: "model"),
            version: row["version"],
            stage: try stage.map { try Stage(text: $0) },
            other: try other.map { try Stage(text: $0) },
            alias: try alias.map { try AliasName($0, as: "alias") },
            actor: row["actor"]
        )
    }
}
