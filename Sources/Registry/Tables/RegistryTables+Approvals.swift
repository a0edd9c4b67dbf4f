package import Domain
import Foundation
import GRDB

extension RegistryTables {
    /// Adds an approval, its audit entry and its event.
    package func insert(_ approval: Approval, in model: ModelRow, _ call: WriteCall) throws {
        try execute(
            "INSERT INTO approval VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                model.id, approval.version, approval.stage.text, approval.actor,
                try Self.json(approval.roles.sorted().map(\.rawValue)),
                approval.time.microseconds, approval.reason,
            ]
        )
        try tell(.approved, of: approval.version, in: model, call, stage: approval.stage)
        try audit(
            "approve",
            "model:\(model.name)",
            [
                "version": String(approval.version), "stage": approval.stage.text,
                "reason": approval.reason,
                "roles": approval.roles.sorted().map(\.rawValue).joined(separator: ", "),
            ],
            call
        )
    }

    package func approvals(
        of version: ModelVersion,
        for stage: Stage,
        in model: ModelRow
    ) throws -> [Approval] {
        try approvals(of: version, in: model).filter { $0.stage == stage }
    }

    /// Of every stage, the oldest first.
    func approvals(of version: ModelVersion, in model: ModelRow) throws -> [Approval] {
        try rows(
            "SELECT * FROM approval WHERE model = ? AND version = ? ORDER BY time, stage, actor",
            [model.id, version.number]
        ).map { row in
            let roles: [String]
            do {
                roles = try JSONDecoder().decode([String].self, from: row["roles"])
            } catch {
                throw AlulaError.corrupt("an approval's roles cannot be read")
            }
            return Approval(
                model: model.name,
                version: version.number,
                stage: try Stage(text: row["stage"]),
                actor: row["actor"],
                roles: Set(try roles.map { try Role(text: $0) }),
                time: Timestamp(microseconds: row["time"]),
                reason: row["reason"]
            )
        }
    }

    /// Nil where making the set again was never tried.
    package func reproduction(of id: TrainingSetID) throws -> ReproductionFact? {
        guard
            let row = try row("SELECT * FROM reproduction WHERE training_set = ?", [id.text])
        else { return nil }
        guard let state = ReproductionFact.State(rawValue: row["state"]) else {
            throw AlulaError.corrupt("what is known of training set \(id) cannot be read")
        }
        return ReproductionFact(
            trainingSet: id,
            state: state,
            logEntry: UInt64(clamping: row["log_entry"] as Int64),
            time: Timestamp(microseconds: row["time"])
        )
    }

    func put(_ fact: ReproductionFact) throws {
        try execute(
            """
            INSERT INTO reproduction VALUES (?, ?, ?, ?)
            ON CONFLICT (training_set) DO UPDATE SET state = excluded.state,
                log_entry = excluded.log_entry, time = excluded.time
            """,
            [
                fact.trainingSet.text, fact.state.rawValue, Int64(clamping: fact.logEntry),
                fact.time.microseconds,
            ]
        )
    }

    /// JSON for the audit log: who holds a stage, the newest first, with which shares, and who is
    /// remembered.
    package func stageText(_ stage: Stage, in model: ModelRow) throws -> String {
        struct Seat: Encodable {
            var holders: [UInt32]
            var shares: [String]?
            var previous: UInt32?
            var shadow: UInt32?
        }
        let seat = try seat(of: stage, in: model)
        let isWhole = seat.holders.allSatisfy { $0.share == .all || $0.share == .none }
        return try Self.json(
            Seat(
                holders: seat.holders.map(\.version),
                shares: isWhole ? nil : seat.holders.map(\.share.description),
                previous: seat.previous,
                shadow: seat.shadow
            )
        )
    }
}
