package import Domain
import Foundation
import GRDB

/// Shares of stages, as they are kept, and shadows.
extension StageSeat {
    /// Throws where the shares do not add up, which no write has done.
    package var split: StageSplit {
        get throws(AlulaError) {
            let parts = holders.map { StageSplit.Part(version: $0.version, share: $0.share) }
            guard let split = StageSplit(parts) else {
                throw .corrupt("the shares of a stage do not add up to 100%")
            }
            return split
        }
    }
}

extension StageSplit {
    /// `[[version, share], ...]`; nil of nobody.
    package var json: String? {
        get throws {
            guard !isEmpty else { return nil }
            return try RegistryTables.json(parts.map { [$0.version, $0.share.hundredths] })
        }
    }
}

extension RegistryTables {
    static func share(_ hundredths: UInt32) throws(AlulaError) -> Share {
        guard let share = Share(hundredths: hundredths) else {
            throw .corrupt("a share is over 100%")
        }
        return share
    }

    package static func split(json: String?) throws -> StageSplit {
        guard let json else { return .nobody }
        let pairs = try JSONDecoder().decode([[UInt32]].self, from: Data(json.utf8))
        let parts = try pairs.map { pair throws(AlulaError) in
            guard pair.count == 2 else { throw AlulaError.corrupt("shares are not in pairs") }
            return StageSplit.Part(version: pair[0], share: try share(pair[1]))
        }
        guard let split = StageSplit(parts) else {
            throw AlulaError.corrupt("remembered shares do not add up to 100%")
        }
        return split
    }

    /// Ends the shares that change and begins the new ones.
    func put(
        _ after: StageSplit,
        instead before: StageSplit,
        in stage: Stage,
        of model: ModelRow,
        at time: Timestamp
    ) throws {
        for part in before.parts where after.share(of: part.version) != part.share {
            try execute(
                """
                UPDATE stage_share SET until = ?
                WHERE model = ? AND stage = ? AND version = ? AND until IS NULL
                """,
                [time.microseconds, model.id, stage.text, part.version]
            )
        }
        for part in after.parts where before.share(of: part.version) != part.share {
            try execute(
                "INSERT INTO stage_share (model, stage, version, share, since) VALUES (?, ?, ?, ?, ?)",
                [
                    model.id, stage.text, part.version, part.share.hundredths, time.microseconds,
                ]
            )
        }
    }

    func remember(_ split: StageSplit, in stage: Stage, of model: ModelRow) throws {
        try execute(
            """
            INSERT INTO stage_memory VALUES (?, ?, ?, ?) ON CONFLICT (model, stage)
            DO UPDATE SET previous = excluded.previous, split = excluded.split
            """,
            [model.id, stage.text, split.main, try split.json]
        )
    }

    /// How the stage was held when a version was last promoted into it, but for versions that were
    /// deleted since: where a second rollback leads.
    func splitBefore(
        _ version: UInt32?,
        entered stage: Stage,
        in model: ModelRow
    ) throws -> StageSplit {
        let split = try Self.split(
            json: try row(
                """
                SELECT before FROM stage_transition WHERE model = ? AND to_stage = ?
                    AND version = ? AND act = 'promote' AND from_stage <> to_stage
                ORDER BY number DESC LIMIT 1
                """,
                [model.id, stage.text, version]
            )?["before"]
        )
        let gone = try split.versions.filter { try !versionExists($0, of: model) }
        return gone.isEmpty ? split : split.without(Set(gone))
    }
}

/// Shadows.
extension RegistryTables {
    func shadow(
        of stage: Stage,
        in model: ModelRow
    ) throws -> (version: UInt32, since: Timestamp)? {
        try row(
            """
            SELECT version, since FROM stage_shadow
            WHERE model = ? AND stage = ? AND until IS NULL
            """,
            [model.id, stage.text]
        ).map { ($0["version"], Timestamp(microseconds: $0["since"])) }
    }

    func shadows(of model: ModelRow) throws -> [StageHolder] {
        try rows(
            """
            SELECT stage, version, since FROM stage_shadow
            WHERE model = ? AND until IS NULL ORDER BY stage
            """,
            [model.id]
        ).map {
            StageHolder(
                stage: try Stage(text: $0["stage"]),
                version: $0["version"],
                since: Timestamp(microseconds: $0["since"]),
                previous: nil,
                share: .none
            )
        }
    }

    /// Lets a version be read beside the holders of a stage, in place of the one that was; with nil
    /// nobody is.
    ///
    /// The model is at its next revision after it.
    package func setShadow(
        _ version: UInt32?,
        of stage: Stage,
        in model: ModelRow,
        reason: String,
        _ call: WriteCall
    ) throws {
        if let old = try shadow(of: stage, in: model) {
            try endShadow(old.version, of: stage, in: model, at: max(call.now, old.since))
            try tell(.unshadowed, of: old.version, in: model, call, stage: stage)
        }
        if let version {
            try execute(
                "INSERT INTO stage_shadow (model, stage, version, since) VALUES (?, ?, ?, ?)",
                [model.id, stage.text, version, call.now.microseconds]
            )
            try tell(.shadowed, of: version, in: model, call, stage: stage, detail: reason)
        }
        try raiseRevision(of: model)
    }

    func endShadow(
        _ version: UInt32,
        of stage: Stage,
        in model: ModelRow,
        at time: Timestamp
    ) throws {
        try execute(
            """
            UPDATE stage_shadow SET until = ?
            WHERE model = ? AND stage = ? AND version = ? AND until IS NULL
            """,
            [time.microseconds, model.id, stage.text, version]
        )
    }

    /// Of a version that is archived.
    func endShadows(_ version: UInt32, in model: ModelRow, _ call: WriteCall) throws {
        for shadow in try shadows(of: model) where shadow.version == version {
            try endShadow(version, of: shadow.stage, in: model, at: call.now)
            try tell(.unshadowed, of: version, in: model, call, stage: shadow.stage)
        }
    }
}
