package import Catalog
package import Domain
import GRDB
package import Registry

/// What an apply changes, or would change.
package struct ApplyOutcome: Sendable, Hashable {
    package var changes: [DefinitionChange]
    /// What apply would refuse; empty after an apply.
    package var breaks: [String]
    /// What cannot be read or made again any more, because of what is dropped.
    package var loses: [String] = []
    /// Of the catalog, after it.
    package var revision: UInt64
}

/// Where definitions and stages change: `apply`, `promote` and `rollback` are each decided inside
/// one write transaction of one file, so that none races another.
package final class ReleaseDesk: Sendable {
    let catalog: CatalogStore
    let registry: RegistryStore

    /// Both stores stand on the same pool.
    package init(catalog: CatalogStore, registry: RegistryStore) {
        self.catalog = catalog
        self.registry = registry
    }

    /// The gates in force in a project, by model and stage.
    package func gates(project: ProjectName) -> [VersionedGate] { catalog.gates(project) }

    /// Every version of a model's gates, by stage and version.
    package func gateHistory(
        model: RegisteredModelName,
        project: ProjectName
    ) throws(AlulaError) -> [VersionedGate] {
        try registry.read { try CatalogStore.gateHistory(project, model, in: $0.database) }
    }

    /// What `apply` would change and what it would refuse, without changing anything.
    ///
    /// Mistakes in the files are thrown, all at once, as `FILE:LINE: reason`.
    package func plan(
        files: [(name: String, yaml: String)],
        retire: [String] = [],
        drop: [String] = [],
        project: String,
        by identity: Identity = .local
    ) throws(AlulaError) -> ApplyOutcome {
        try registry.read { tables in
            let state = try CatalogStore.state(in: tables.database)
            let decided = try Self.decide(
                files,
                retire,
                drop,
                project,
                identity,
                state,
                tables
            )
            return ApplyOutcome(
                changes: decided.changes,
                breaks: decided.breaks,
                loses: try tables.dependents(on: decided.unreadable, in: decided.project),
                revision: state.snapshot.revision + (decided.isEmpty ? 0 : 1)
            )
        }
    }

    /// Changes the definitions, all or nothing.
    ///
    /// Where nothing would change, nothing is written. What would break a version in staging or
    /// production, or the one to roll back to, is refused by its names.
    package func apply(
        files: [(name: String, yaml: String)],
        retire: [String] = [],
        drop: [String] = [],
        project: String,
        by identity: Identity = .local,
        call: WriteCall,
        answer: (ApplyOutcome) throws -> [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        var applied: CatalogState?
        let stored = try registry.write("apply", call: call) { tables in
            let state = try CatalogStore.state(in: tables.database)
            let decided = try Self.decide(
                files,
                retire,
                drop,
                project,
                identity,
                state,
                tables
            )
            try identity.check(mayMake: decided.changes)
            guard decided.breaks.isEmpty else {
                throw AlulaError.refused(
                    "apply is refused: it would break what must not change",
                    help: "nothing was changed; see what would with alula plan",
                    details: decided.breaks
                )
            }
            var outcome = ApplyOutcome(
                changes: decided.changes,
                breaks: [],
                revision: state.snapshot.revision
            )
            if !decided.isEmpty {
                outcome.loses = try tables.dependents(on: decided.unreadable, in: decided.project)
                try tables.forgetReproductions(of: decided.unreadable, in: decided.project)
                let after = try CatalogStore.write(decided, now: call.now, in: tables.database)
                outcome.revision = after.snapshot.revision
                applied = after
                try tables.audit(
                    "apply",
                    "project:\(decided.project)",
                    AppliedDetail(outcome, files: files.map(\.name), retire: retire, drop: drop),
                    call,
                    project: decided.project
                )
                try Self.auditRules(decided, tables, call)
            }
            return try answer(outcome)
        }
        if let applied { catalog.adopt(applied) }
        return stored
    }

    /// An entry for each gate, monitor and plan of rollouts that changed, with what it was and what
    /// it is.
    private static func auditRules(
        _ decided: DefinitionChanges,
        _ tables: RegistryTables,
        _ call: WriteCall
    ) throws {
        func audit(
            _ act: String,
            _ subject: String,
            _ detail: [String: String],
            before: String?,
            after: String
        ) throws {
            try tables.audit(
                act,
                subject,
                detail,
                call,
                project: decided.project,
                change: AuditChange(before: before ?? "", after: after)
            )
        }
        for change in decided.gateChanges {
            try audit(
                change.after.isRemoved ? "remove gate" : "change gate",
                "model:\(change.after.gate.model)",
                ["to": change.after.gate.to.text, "version": String(change.after.version)],
                before: change.before?.json,
                after: change.after.json
            )
        }
        for change in decided.monitorChanges {
            try audit(
                change.after.isRetired ? "retire monitor" : "change monitor",
                "monitor:\(change.after.monitor.name)",
                ["version": String(change.after.version)],
                before: change.before?.json,
                after: change.after.json
            )
        }
        for change in decided.rolloutChanges {
            try audit(
                change.after.isRetired ? "retire rollout" : "change rollout",
                "rollout:\(change.after.plan.name)",
                ["version": String(change.after.version)],
                before: change.before?.json,
                after: change.after.json
            )
        }
        for change in decided.stageChanges {
            guard let stage = change.after ?? change.before else { continue }
            try audit(
                change.after == nil ? "drop stage" : "change stage",
                "model:\(stage.model)",
                ["stage": stage.stage.text],
                before: change.before?.json,
                after: change.after?.json ?? ""
            )
        }
        if decided.changesGates { tables.modelsChanged() }
    }

    private static func decide(
        _ files: [(name: String, yaml: String)],
        _ retire: [String],
        _ drop: [String],
        _ project: String,
        _ identity: Identity,
        _ state: CatalogState,
        _ tables: RegistryTables
    ) throws -> DefinitionChanges {
        guard !files.isEmpty || !retire.isEmpty || !drop.isEmpty else {
            throw AlulaError.invalid("there is nothing to apply: name a definitions file")
        }
        return try CatalogStore.decide(
            files.map { DefinitionFile(name: $0.name, yaml: $0.yaml) },
            retire: retire,
            drop: drop,
            project: project,
            over: state,
            models: { project in
                try tables.monitoredModels(project).map {
                    MonitoredModel(name: $0.name, services: $0.services)
                }
            },
            stageUses: { project in
                try tables.stageUses(project).map {
                    StageUse(
                        model: $0.model,
                        stage: $0.stage,
                        reason: $0.reason,
                        isHolder: $0.kind == .holds
                    )
                }
            }
        ) { project in
            try identity.check(mayDefine: project)
            return try tables.liveVersions(project).map {
                Dependent(title: $0.title, service: $0.service)
            }
        }
    }
}

extension StageDefinition {
    /// As the audit table keeps it.
    fileprivate var json: String { "{\"holders\":\(holders)}" }
}

/// What the audit table keeps of an apply.
private struct AppliedDetail: Encodable {
    struct Change: Encodable {
        var kind: String
        var name: String
        var action: String
    }

    var files: [String]
    var retire: [String]
    var drop: [String]?
    var loses: [String]?
    var revision: UInt64
    var changes: [Change]

    init(_ outcome: ApplyOutcome, files: [String], retire: [String], drop: [String]) {
        self.files = files
        self.retire = retire
        self.drop = drop.isEmpty ? nil : drop
        loses = outcome.loses.isEmpty ? nil : outcome.loses
        revision = outcome.revision
        changes = outcome.changes.map {
            Change(kind: $0.kind.rawValue, name: $0.name, action: $0.action.rawValue)
        }
    }
}
