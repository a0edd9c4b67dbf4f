package import Domain

extension RegistryStore {
    /// Registers the next version of a model, which is made if it is new.
    ///
    /// Params and the last point of each metric are copied from the run; service and training set
    /// default to those of the run, and must agree.
    package func register(
        _ registration: VersionRegistration,
        call: WriteCall,
        answer: (ModelVersion) throws -> [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        try Checks.text(registration.description, "the description")
        try Checks.entries(registration.tags, "tag")
        try Checks.artifactNames(registration.artifacts.map(\.name))
        return try write("register", call: call) { tables in
            let artifacts = try registration.artifacts.map { try present($0, tables) }
            let row = try tables.requireRun(registration.run, in: call.project)
            let run = try tables.run(row, history: false)
            if run.status == .failed {
                throw AlulaError.refused(
                    "run \(run.id) has failed: no version is registered from it"
                )
            }
            let origin = try origin(of: registration, run, tables, call.project)
            let model = try tables.makeModel(registration.model, in: call.project)
            let version = ModelVersion(
                model: registration.model,
                number: try tables.newestVersion(of: model) + 1,
                stage: .none,
                run: run.id,
                trainingSet: origin.trainingSet,
                service: origin.service,
                artifacts: artifacts,
                params: run.params,
                metrics: run.metrics,
                codeRevision: run.codeRevision,
                description: registration.description,
                tags: registration.tags,
                registered: call.now,
                actor: call.actor
            )
            try tables.insert(version, of: model)
            try tables.raiseRevision(of: model)
            try tables.tell(.registered, of: version.number, in: model, call)
            try tables.audit(
                "register",
                "model:\(version.model)",
                [
                    "project": call.project.text, "version": String(version.number),
                    "run": run.id.text, "training_set": origin.trainingSet?.text ?? "",
                    "service": origin.service?.description ?? "",
                ],
                call
            )
            return try answer(version)
        }
    }

    /// The artifact with its size, which must be that of the file in the store.
    private func present(
        _ artifact: ModelVersion.Artifact,
        _ tables: RegistryTables
    ) throws -> ModelVersion.Artifact {
        guard let bytes = try artifacts.hold(artifact.digest) else {
            throw AlulaError.refused(
                "artifact \"\(artifact.name)\" (\(artifact.digest)) is not in the store",
                help: "upload it first"
            )
        }
        guard artifact.bytes == 0 || artifact.bytes == bytes else {
            throw AlulaError.invalid(
                "artifact \"\(artifact.name)\" has \(bytes) bytes, not \(artifact.bytes)"
            )
        }
        return ModelVersion.Artifact(
            name: artifact.name,
            digest: artifact.digest,
            bytes: bytes,
            isDirectory: try keepDirectory(artifact.digest, tables)
        )
    }

    private func origin(
        of registration: VersionRegistration,
        _ run: Run,
        _ tables: RegistryTables,
        _ project: ProjectName
    ) throws -> (trainingSet: TrainingSetID?, service: FeatureServiceReference?) {
        if let asked = registration.trainingSet, let used = run.trainingSet, asked != used {
            throw AlulaError.refused(
                "run \(run.id) used training set \(used), not \(asked)",
                help: "leave the training set out, or name the run that used it"
            )
        }
        let set = registration.trainingSet ?? run.trainingSet
        let asked = try registration.service.map { try tables.requireService($0, in: project) }
        guard let set else { return (nil, asked) }
        let record = try tables.requireTrainingSet(set, in: project)
        if let asked, asked != record.service {
            throw AlulaError.refused(
                "training set \(set) was made with \(record.service), not with \(asked)",
                help: "leave the service out, or make a training set with \(asked)"
            )
        }
        return (set, record.service)
    }

    package func hasModel(
        _ name: RegisteredModelName,
        in project: ProjectName
    ) throws(AlulaError) -> Bool {
        try read { try $0.model(name, in: project) != nil }
    }

    package func models(project: ProjectName) throws(AlulaError) -> [RegisteredModel] {
        try read { try $0.models(project) }
    }

    /// The versions of a model, the newest first.
    package func versions(
        of name: RegisteredModelName,
        project: ProjectName,
        _ page: PageRequest
    ) throws(AlulaError) -> Page<ModelVersion> {
        try read { tables in
            let model = try tables.requireModel(name, in: project)
            return Page(
                try tables.versions(
                    of: model,
                    before: page.after ?? .max,
                    limit: page.limit + 1
                ).map { (Int64($0.number), $0) },
                page
            )
        }
    }

    /// Who held stages of a model at a moment: of one stage, or of all.
    package func tenures(
        of name: RegisteredModelName,
        at time: Timestamp,
        in stage: Stage? = nil,
        project: ProjectName
    ) throws(AlulaError) -> [StageTenure] {
        try read { tables in
            let model = try tables.requireModel(name, in: project)
            return try tables.tenures(of: model, at: time, in: stage)
        }
    }

    /// The names of a version's artifacts that are not in the store as they were registered.
    package func missingArtifacts(of version: ModelVersion) throws -> [String] {
        try version.artifacts.filter { try artifactSize($0.digest) != $0.bytes }.map(\.name)
    }
}
