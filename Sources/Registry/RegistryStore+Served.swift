package import Domain

/// The version that a reader is to be answered with.
package struct ServedVersion: Sendable, Hashable {
    package var version: UInt32
    /// Always with its version; nil where the version was registered without one.
    package var service: FeatureServiceReference?

    package init(version: UInt32, service: FeatureServiceReference?) {
        self.version = version
        self.service = service
    }
}

extension RegistryStore {
    /// The version that is meant, as it is now; what it answers stays so until `modelsRevision`
    /// changes.
    package func servedVersion(
        of name: RegisteredModelName,
        in project: ProjectName,
        _ choice: VersionChoice
    ) throws(AlulaError) -> ServedVersion {
        try read { tables in
            let model = try tables.requireModel(name, in: project)
            let number = try tables.number(of: choice, in: model)
            return ServedVersion(
                version: number,
                service: try tables.service(of: number, in: model)
            )
        }
    }

    /// The version that is meant, with all that is known of it.
    package func version(
        _ choice: VersionChoice,
        of name: RegisteredModelName,
        project: ProjectName
    ) throws(AlulaError) -> ModelVersion {
        try read { tables in
            let model = try tables.requireModel(name, in: project)
            return try tables.requireVersion(try tables.number(of: choice, in: model), of: model)
        }
    }
}

extension RegistryTables {
    func number(of choice: VersionChoice, in model: ModelRow) throws -> UInt32 {
        switch choice {
        case .version(let number):
            guard try versionExists(number, of: model) else {
                throw try noVersion(number, of: model)
            }
            return number
        case .alias(let name): return try requireAlias(name, of: model).version
        case .stage(let stage, let asked): return try holder(asked, of: stage, in: model)
        }
    }

    private func holder(_ asked: UInt32?, of stage: Stage, in model: ModelRow) throws -> UInt32 {
        try requireStage(stage, of: model)
        guard stage.hasHolder else {
            throw AlulaError.invalid(
                "a version is found by staging, production or a stage of the model's own, not by "
                    + stage.text
            )
        }
        let holders = try seat(of: stage, in: model).holders.map(\.version)
        guard let newest = holders.first else {
            throw AlulaError.notFound(
                "no version of \(model.name) is in \(stage)",
                help: "promote one: alula promote \(model.name) VERSION \(stage)"
            )
        }
        guard let asked else { return newest }
        guard holders.contains(asked) else {
            let names = holders.map(String.init).joined(separator: ", ")
            throw AlulaError.notFound(
                "version \(asked) of \(model.name) is not in \(stage): in it is \(names)"
            )
        }
        return asked
    }
}
