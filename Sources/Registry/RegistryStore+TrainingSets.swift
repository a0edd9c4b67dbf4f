package import Domain

extension RegistryStore {
    /// Records a training set; its service version must exist, and its spine must be in the store.
    ///
    /// `profile` has the bytes of its profile; nil where there is none.
    package func recordTrainingSet(
        _ record: TrainingSetRecord,
        profile: [UInt8]? = nil,
        call: WriteCall,
        answer: (TrainingSetRecord) throws -> [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        guard record.project == call.project else {
            throw .invalid("the training set is of project \(record.project), not \(call.project)")
        }
        return try write(Self.recordTrainingSetAct, call: call) { tables in
            _ = try tables.requireService(record.service, in: call.project)
            guard try artifactSize(record.spineArtifact) != nil else {
                throw AlulaError.refused("the spine \(record.spineArtifact) is not in the store")
            }
            try tables.insert(record)
            if let profile { try tables.insert(profile, of: record.id) }
            try tables.audit(
                Self.recordTrainingSetAct,
                "training-set:\(record.id)",
                [
                    "project": call.project.text, "service": record.service.description,
                    "log_entry": String(record.logEntry), "digest": record.digest.description,
                    "rows": String(record.rows),
                ],
                call
            )
            return try answer(record)
        }
    }

    /// Nil where there is no such training set in any project.
    package func trainingSet(_ id: TrainingSetID) throws(AlulaError) -> TrainingSetRecord? {
        try read { try $0.trainingSet(id) }
    }

    /// The bytes of its profile; nil where it has none, or none any more.
    package func profile(of id: TrainingSetID) throws(AlulaError) -> [UInt8]? {
        try read { try $0.profile(of: id) }
    }

    /// Every set, the newest first.
    package func trainingSets(project: ProjectName) throws(AlulaError) -> [TrainingSetRecord] {
        try read { try $0.trainingSets(project, before: .max, limit: -1).map(\.item) }
    }

    /// The newest first.
    package func trainingSets(
        project: ProjectName,
        _ page: PageRequest
    ) throws(AlulaError) -> Page<TrainingSetRecord> {
        try read { tables in
            Page(
                try tables.trainingSets(
                    project,
                    before: page.after ?? .max,
                    limit: page.limit + 1
                ),
                page
            )
        }
    }
}
