package import Domain
import GRDB

/// Who is in a stage, and to whom a rollback of it returns.
package struct StageSeat: Sendable, Hashable {
    package struct Holder: Sendable, Hashable {
        package var version: UInt32
        package var since: Timestamp
        package var share: Share
    }

    /// Who entered last comes first.
    package var holders: [Holder]
    /// To which a rollback returns; nobody where there is nothing to return to.
    package var memory: StageSplit
    /// Read and logged, never an answer.
    package var shadow: UInt32?

    /// The one of the remembered with the greatest share.
    package var previous: UInt32? { memory.main }
}

/// A version that must go on working, and the service version it reads.
package struct LiveVersion: Sendable, Hashable {
    /// Such as `credit version 3 (production)`.
    package var title: String
    package var service: FeatureServiceReference
}

extension RegistryTables {
    package func seat(of stage: Stage, in model: ModelRow) throws -> StageSeat {
        StageSeat(
            holders: try rows(
                """
                SELECT held.version AS version, held.since AS since, share FROM stage_tenure held
                JOIN stage_share part ON part.model = held.model AND part.stage = held.stage
                    AND part.version = held.version AND part.until IS NULL
                WHERE held.model = ? AND held.stage = ? AND held.until IS NULL
                ORDER BY held.number DESC
                """,
                [model.id, stage.text]
            ).map {
                StageSeat.Holder(
                    version: $0["version"],
                    since: Timestamp(microseconds: $0["since"]),
                    share: try Self.share($0["share"])
                )
            },
            memory: try Self.split(
                json: try row(
                    "SELECT split FROM stage_memory WHERE model = ? AND stage = ?",
                    [model.id, stage.text]
                )?["split"]
            ),
            shadow: try shadow(of: stage, in: model)?.version
        )
    }

    /// Every held stage, staging and production first.
    func holders(of model: ModelRow) throws -> [StageHolder] {
        let stages = try rows(
            "SELECT DISTINCT stage FROM stage_tenure WHERE model = ? AND until IS NULL",
            [model.id]
        ).map { try Stage(text: $0["stage"]) }
        let common = Stage.common.filter(stages.contains)
        let own = stages.filter { !Stage.common.contains($0) }.sorted()
        return try (common + own).flatMap { stage in
            let seat = try seat(of: stage, in: model)
            let split = try seat.split
            // Who answers most is named first.
            let order = split.answering.map(\.version)
            let rest = seat.holders.filter { !order.contains($0.version) }
            return
                (order.compactMap { version in seat.holders.first { $0.version == version } }
                + rest).map {
                    StageHolder(
                        stage: stage,
                        version: $0.version,
                        since: $0.since,
                        previous: seat.previous,
                        share: $0.share
                    )
                }
        }
    }

    /// Stages that the definitions give the model beside the four, or change.
    func definedStages(of model: ModelRow) throws -> [StageDefinition] {
        try rows(
            "SELECT stage, holders FROM model_stage WHERE project = ? AND model = ? ORDER BY stage",
            [model.project.text, model.name.text]
        ).map {
            StageDefinition(
                model: model.name,
                stage: try Stage(text: $0["stage"]),
                holders: $0["holders"]
            )
        }
    }

    /// How many versions hold the stage at once; throws where the model has no such stage.
    @discardableResult
    package func requireStage(_ stage: Stage, of model: ModelRow) throws -> Int {
        let defined = try definedStages(of: model)
        if let found = defined.first(where: { $0.stage == stage }) { return Int(found.holders) }
        guard !Stage.common.contains(stage) else { return 1 }
        let names = (Stage.common + defined.map(\.stage).filter { !Stage.common.contains($0) })
            .map(\.text)
        throw AlulaError.invalid(
            "model \(model.name) has no stage \"\(stage)\": its stages are "
                + names.joined(separator: ", "),
            help: "define it: stages: [{model: \(model.name), name: \(stage)}]"
        )
    }

    /// When the version entered the stage that it is in; nil for `none` and `archived`.
    package func tenureStart(of version: ModelVersion, in model: ModelRow) throws -> Timestamp? {
        try row(
            """
            SELECT since FROM stage_tenure
            WHERE model = ? AND stage = ? AND version = ? AND until IS NULL
            """,
            [model.id, version.stage.text, version.number]
        ).map { Timestamp(microseconds: $0["since"]) }
    }

    /// Who held stages of the model at a moment, in the order in which they came.
    func tenures(of model: ModelRow, at time: Timestamp, in stage: Stage?) throws -> [StageTenure] {
        try rows(
            """
            SELECT held.stage AS stage, held.version AS version, held.since AS since,
                held.until AS until, share
            FROM stage_tenure held
            JOIN stage_share part ON part.model = held.model AND part.stage = held.stage
                AND part.version = held.version AND part.since <= :time
                AND (part.until IS NULL OR part.until > :time)
            WHERE held.model = :model AND held.since <= :time
                AND (held.until IS NULL OR held.until > :time)
                AND (:stage IS NULL OR held.stage = :stage)
            ORDER BY held.number
            """,
            [
                "model": model.id, "time": time.microseconds, "stage": stage?.text,
            ]
        ).map(Self.tenure)
    }

    private static func tenure(_ row: Row) throws -> StageTenure {
        let until: Int64? = row["until"]
        return StageTenure(
            stage: try Stage(text: row["stage"]),
            version: row["version"],
            since: Timestamp(microseconds: row["since"]),
            until: until.map(Timestamp.init(microseconds:)),
            share: try share(row["share"])
        )
    }

    /// Every version in a stage, and every remembered one, with the service version it reads.
    package func liveVersions(_ project: ProjectName) throws -> [LiveVersion] {
        try rows(
            """
            SELECT model.name AS name, live.stage AS stage, number, live.holds AS holds,
                service, service_version
            FROM (
                SELECT model, stage, version, 1 AS holds FROM stage_tenure WHERE until IS NULL
                UNION ALL
                SELECT model, stage, version, 1 FROM stage_shadow WHERE until IS NULL
                UNION ALL
                SELECT model, stage, json_extract(part.value, '$[0]'), 0
                FROM stage_memory, json_each(split) AS part
            ) AS live JOIN model ON model.id = live.model
            JOIN model_version AS made ON made.model = live.model AND number = live.version
            WHERE project = ? AND service IS NOT NULL ORDER BY name, live.stage, number
            """,
            [project.text]
        ).map { row in
            let (name, stage): (String, String) = (row["name"], row["stage"])
            let holds: Bool = row["holds"]
            return LiveVersion(
                title: "\(name) version \(row["number"] as UInt32) "
                    + (holds ? "(\(stage))" : "(to which \(stage) can roll back)"),
                service: FeatureServiceReference(
                    name: try FeatureServiceName(row["service"], as: "service"),
                    version: row["service_version"]
                )
            )
        }
    }

    /// Who is in stages, who answers beside them, whom they remember and what is rolled out to them.
    package func stageUses(_ project: ProjectName) throws -> [StageOccupation] {
        try rows(
            """
            SELECT model.name AS name, used.stage AS stage, used.version AS version, what
            FROM (
                SELECT model, stage, version, 'holds' AS what FROM stage_tenure
                WHERE until IS NULL
                UNION ALL
                SELECT model, stage, version, 'shadows' FROM stage_shadow WHERE until IS NULL
                UNION ALL
                SELECT model, stage, json_extract(part.value, '$[0]'), 'remembered'
                FROM stage_memory, json_each(split) AS part
                UNION ALL
                SELECT model, stage, version, 'rolled out' FROM rollout WHERE state = 'running'
            ) AS used JOIN model ON model.id = used.model
            WHERE project = ? ORDER BY name, used.stage, version
            """,
            [project.text]
        ).map { row in
            guard let kind = StageOccupation.Kind(rawValue: row["what"]) else {
                throw AlulaError(.internal, "a stage is used in no known way")
            }
            return StageOccupation(
                model: try RegisteredModelName(row["name"], as: "model"),
                stage: try Stage(text: row["stage"]),
                version: row["version"],
                kind: kind
            )
        }
    }
}

/// What keeps a stage of a model from going.
package struct StageOccupation: Sendable, Hashable {
    package enum Kind: String, Sendable {
        case holds
        case shadows
        case remembered
        case rolledOut = "rolled out"
    }

    package var model: RegisteredModelName
    package var stage: Stage
    package var version: UInt32
    package var kind: Kind

    /// For people.
    package var reason: String {
        switch kind {
        case .holds: "version \(version) holds it"
        case .shadows: "version \(version) is its shadow"
        case .remembered: "a rollback of it returns to version \(version)"
        case .rolledOut: "version \(version) is being rolled out to it"
        }
    }
}
