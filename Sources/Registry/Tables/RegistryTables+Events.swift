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
        alias: AliasName? = nil,
        subject: String? = nil,
        detail: String = ""
    ) throws {
        let event = RegistryEvent(
            revision: try newestEvent() + 1,
            time: call.now,
            kind: kind,
            model: model.name,
            version: version,
            stage: stage,
            other: other,
            alias: alias,
            subject: subject,
            detail: detail,
            actor: call.actor
        )
        try insert(event, project: model.project)
        marks?.modelsChanged = true
    }

    /// Tells what became of a decision, in its transaction, before the move that it allows.
    ///
    /// What no gate was asked about is told of where it was refused only.
    package func tell(_ move: StageMove, passed: Bool, in model: ModelRow, _ call: WriteCall) throws
    {
        guard !passed || move.verdict.gateVersion != nil else { return }
        let reasons = move.verdict.rules.filter { $0.outcome != .passed }
            .map { "\($0.rule): \($0.reason)" }
        let event = RegistryEvent(
            revision: try newestEvent() + 1,
            time: call.now,
            kind: passed ? .gatePassed : .gateRefused,
            model: model.name,
            version: move.version.number,
            stage: move.to,
            other: move.version.stage,
            detail: passed ? move.reason : String(reasons.joined(separator: "; ").prefix(2_048)),
            actor: call.actor
        )
        try insert(event, project: model.project)
    }

    /// Tells of an import, once however often it is said.
    func tell(_ published: PublishedImport, _ call: WriteCall) throws {
        let isTold = try Bool.fetchOne(
            database,
            sql: """
                SELECT EXISTS (SELECT 1 FROM registry_event
                    WHERE kind = 'import published' AND subject = ?)
                """,
            arguments: [published.id]
        )
        guard isTold != true else { return }
        let event = RegistryEvent(
            revision: try newestEvent() + 1,
            time: call.now,
            kind: .importPublished,
            model: nil,
            version: 0,
            view: published.view,
            subject: published.id,
            detail: "\(published.rows) rows of \(published.source.prefix(256))",
            actor: call.actor
        )
        try insert(event, project: published.project)
    }

    /// Tells of an alarm that began or ended.
    func tell(_ change: MonitorStatus.Change, of look: MonitorLook, _ call: WriteCall) throws {
        let view: FeatureViewName? =
            if case .view(let name) = look.monitor.subject { name } else { nil }
        let event = RegistryEvent(
            revision: try newestEvent() + 1,
            time: call.now,
            kind: change == .fired ? .monitorFiring : .monitorResolved,
            model: look.monitor.model,
            version: 0,
            view: view,
            subject: look.record.name.text,
            detail: String(look.record.finding.reason.prefix(2_048)),
            actor: call.actor
        )
        try insert(event, project: look.record.project)
    }

    /// Tells that a view is fresh no longer, or again.
    func tell(_ change: FreshnessChange, _ call: WriteCall) throws {
        let event = RegistryEvent(
            revision: try newestEvent() + 1,
            time: call.now,
            kind: change.isLost ? .freshnessLost : .freshnessRegained,
            model: nil,
            version: 0,
            view: change.name,
            detail: change.detail,
            actor: call.actor
        )
        try insert(event, project: change.project)
    }

    /// Who waits gets it after the commit.
    private func insert(_ event: RegistryEvent, project: ProjectName) throws {
        try execute(
            """
            INSERT INTO registry_event (revision, project, model, time, kind, version, stage,
                other, alias, actor, view, subject, detail)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                Int64(event.revision), project.text, event.model?.text ?? "",
                event.time.microseconds, event.kind.rawValue, event.version, event.stage?.text,
                event.other?.text, event.alias?.text, event.actor, event.view?.text,
                event.subject, event.detail,
            ]
        )
        marks?.newestEvent = event.revision
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
        let model: String = row["model"]
        let (stage, other, alias, view): (String?, String?, String?, String?) = (
            row["stage"], row["other"], row["alias"], row["view"]
        )
        return RegistryEvent(
            revision: UInt64(clamping: row["revision"] as Int64),
            time: Timestamp(microseconds: row["time"]),
            kind: kind,
            model: model.isEmpty ? nil : try RegisteredModelName(model, as: "model"),
            version: row["version"],
            stage: try stage.map { try Stage(text: $0) },
            other: try other.map { try Stage(text: $0) },
            alias: try alias.map { try AliasName($0, as: "alias") },
            view: try view.map { try FeatureViewName($0, as: "view") },
            subject: row["subject"],
            detail: row["detail"],
            actor: row["actor"]
        )
    }
}
