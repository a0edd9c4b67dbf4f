package import Domain

/// What a deletion comes to, or would.
package struct RecordDeletion: Sendable, Hashable {
    /// Such as `run run-…`.
    package var title: String
    /// What refers to it, for people; it is deleted where nothing does.
    package var holders: [String]
    /// Artifacts that nothing names any more.
    package var artifacts: Int
    package var artifactBytes: UInt64
    package var isDone: Bool
}

/// Deleting for good: nothing that something else refers to; what is deleted leaves its number and
/// its place in the history of stages, and is found by no search.
extension RegistryStore {
    package func deleteRun(
        _ id: RunID,
        dryRun: Bool = false,
        call: WriteCall,
        answer: (RecordDeletion) throws -> [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        try delete("delete run", dryRun, call, answer) { tables in
            let row = try tables.requireRun(id, in: call.project)
            let run = try tables.run(row, history: false)
            return Deletable(
                title: "run \(id)",
                object: "run:\(id)",
                holders: try tables.holders(of: row, run),
                before: [
                    "experiment": run.experiment.text, "name": run.name,
                    "status": run.status.rawValue, "started": "\(run.started)", "by": run.actor,
                    "training_set": run.trainingSet?.text ?? "", "code": run.codeRevision,
                ]
            ) { try tables.delete(row, at: call.now) }
        }
    }

    package func deleteTrainingSet(
        _ id: TrainingSetID,
        dryRun: Bool = false,
        call: WriteCall,
        answer: (RecordDeletion) throws -> [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        try delete("delete training set", dryRun, call, answer) { tables in
            let set = try tables.requireTrainingSet(id, in: call.project)
            return Deletable(
                title: "training set \(id)",
                object: "training-set:\(id)",
                holders: try tables.holders(of: set),
                before: [
                    "service": set.service.description, "digest": set.digest.description,
                    "rows": "\(set.rows)", "log_entry": "\(set.logEntry)", "made": "\(set.made)",
                    "by": set.actor,
                ]
            ) { try tables.delete(set, at: call.now) }
        }
    }

    package func deleteVersion(
        _ number: UInt32,
        of name: RegisteredModelName,
        dryRun: Bool = false,
        call: WriteCall,
        answer: (RecordDeletion) throws -> [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        try delete("delete version", dryRun, call, answer) { tables in
            let model = try tables.requireModel(name, in: call.project)
            let version = try tables.requireVersion(number, of: model)
            return Deletable(
                title: "version \(number) of \(name)",
                object: "model:\(name)",
                holders: try tables.holders(of: version, in: model),
                before: [
                    "version": "\(number)", "run": version.run.text,
                    "training_set": version.trainingSet?.text ?? "",
                    "service": version.service?.description ?? "",
                    "registered": "\(version.registered)", "by": version.actor,
                    "artifacts": version.artifacts.map { "\($0.name) \($0.digest)" }
                        .joined(separator: ", "),
                ]
            ) {
                let digests = try tables.delete(version, of: model, at: call.now)
                try tables.raiseRevision(of: model)
                try tables.tell(.deleted, of: number, in: model, call)
                return digests
            }
        }
    }

    private func delete(
        _ act: String,
        _ dryRun: Bool,
        _ call: WriteCall,
        _ answer: (RecordDeletion) throws -> [UInt8],
        _ find: (RegistryTables) throws -> Deletable
    ) throws(AlulaError) -> [UInt8] {
        guard !dryRun else {
            return try read { try answer(try find($0).deletion) }
        }
        return try write(act, call: call) { tables in
            let found = try find(tables)
            guard found.holders.isEmpty else {
                throw AlulaError.refused(
                    "\(found.title) is not deleted: it is referred to",
                    help: "nothing was changed",
                    details: found.holders
                )
            }
            var deletion = found.deletion
            for digest in Set(try found.delete()) where try !tables.isNamed(digest) {
                deletion.artifacts += 1
                deletion.artifactBytes += try artifactSize(digest) ?? 0
            }
            deletion.isDone = true
            try tables.audit(
                act,
                found.object,
                ["title": found.title],
                call,
                change: AuditChange(
                    before: try RegistryTables.json(found.before.filter { !$0.value.isEmpty })
                )
            )
            return try answer(deletion)
        }
    }
}

/// Something found that may be deleted.
private struct Deletable {
    var title: String
    var object: String
    var holders: [String]
    /// For the audit log.
    var before: [String: String]
    /// Answers the artifacts that it named.
    var delete: () throws -> [ContentDigest]

    var deletion: RecordDeletion {
        RecordDeletion(
            title: title,
            holders: holders,
            artifacts: 0,
            artifactBytes: 0,
            isDone: false
        )
    }
}
