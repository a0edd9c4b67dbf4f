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

/// The versions that answer readers of a stage, each with its share; one with all of it else.
package struct ServedSplit: Sendable, Hashable {
    package struct Part: Sendable, Hashable {
        package var served: ServedVersion
        package var share: Share
    }

    /// The greatest share first; never empty.
    package var parts: [Part]
    /// Of the stage; nil where there is none.
    package var shadow: ServedVersion?
}

/// The versions that hold a stage, with all that is known of them.
package struct HeldStage: Sendable {
    package struct Holder: Sendable {
        package var version: ModelVersion
        package var share: Share
        package var since: Timestamp
    }

    /// Those that answer, the greatest share first.
    package var holders: [Holder]
    package var shadow: ModelVersion?
    /// Of the model.
    package var revision: UInt64
}

extension RegistryStore {
    /// The versions that are meant, as it is now; what it answers stays so until `modelsRevision`
    /// changes.
    ///
    /// Of the holders of a stage only those in `among` count, unless it is empty; its first is meant
    /// where none of them holds the stage any more.
    package func served(
        of name: RegisteredModelName,
        in project: ProjectName,
        _ choice: VersionChoice,
        among: [UInt32] = []
    ) throws(AlulaError) -> ServedSplit {
        try read { tables in
            let model = try tables.requireModel(name, in: project)
            let (split, shadow) = try tables.split(of: choice, among: among, in: model)
            func served(_ number: UInt32) throws -> ServedVersion {
                ServedVersion(
                    version: number,
                    service: try tables.service(of: number, in: model)
                )
            }
            return ServedSplit(
                parts: try split.answering.map { part in
                    ServedSplit.Part(served: try served(part.version), share: part.share)
                },
                shadow: try shadow.map(served)
            )
        }
    }

    /// Who answers for a stage, and its shadow.
    package func held(
        _ stage: Stage,
        of name: RegisteredModelName,
        project: ProjectName
    ) throws(AlulaError) -> HeldStage {
        try read { tables in
            let model = try tables.requireModel(name, in: project)
            _ = try tables.number(of: .stage(stage, version: nil), in: model)
            let seat = try tables.seat(of: stage, in: model)
            return HeldStage(
                holders: try seat.split.answering.map { part in
                    HeldStage.Holder(
                        version: try tables.requireVersion(part.version, of: model),
                        share: part.share,
                        since: seat.holders.first { $0.version == part.version }?.since
                            ?? .distantPast
                    )
                },
                shadow: try seat.shadow.map { try tables.requireVersion($0, of: model) },
                revision: model.revision
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
    fileprivate func split(
        of choice: VersionChoice,
        among: [UInt32],
        in model: ModelRow
    ) throws -> (split: StageSplit, shadow: UInt32?) {
        guard case .stage(let stage, version: nil) = choice else {
            let number = try number(of: choice, in: model)
            return (StageSplit.nobody.givingAll(to: number), nil)
        }
        try requireStage(stage, of: model)
        let seat = stage.hasHolder ? try seat(of: stage, in: model) : nil
        let split = try seat?.split ?? .nobody
        if let first = among.first {
            for version in among {
                guard try versionExists(version, of: model) else {
                    throw try noVersion(version, of: model)
                }
            }
            let wanted = split.without(Set(split.versions).subtracting(among))
            return (wanted.isEmpty ? StageSplit.nobody.givingAll(to: first) : wanted, seat?.shadow)
        }
        // Says why where there is none.
        _ = try number(of: choice, in: model)
        return (split, seat?.shadow)
    }

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
        let split = try seat(of: stage, in: model).split
        let holders = split.versions
        guard let main = split.main else {
            throw AlulaError.notFound(
                "no version of \(model.name) is in \(stage)",
                help: "promote one: alula promote \(model.name) VERSION \(stage)"
            )
        }
        guard let asked else { return main }
        guard holders.contains(asked) else {
            let names = holders.map(String.init).joined(separator: ", ")
            throw AlulaError.notFound(
                "version \(asked) of \(model.name) is not in \(stage): in it is \(names)"
            )
        }
        return asked
    }
}
