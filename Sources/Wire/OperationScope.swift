/// What of the server a call is about, as far as its request says so in its first fields.
///
/// A token without a scope passes all of these; what follows is for tokens that have one.
package enum OperationScope: Sendable {
    /// The server, as far as the caller may know of it: the answer leaves out the rest.
    case narrowedAnswer
    /// The whole server: a token with a scope is refused.
    case server
    /// A whole project: a token for some of its views or models is refused.
    case wholeProject
    /// The project that definitions files name, as a whole; looked at again when they are read.
    case definitions
    /// A project; where the answer lists views or models, it leaves out those of no concern.
    case project
    /// The project, and what these fields of the request name in it.
    case named([ScopeField])
}

/// A field of a request that names what the call is about: text, at the message's top.
package struct ScopeField: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case view
        case model
        /// A published service, or a version of it: the views it reads.
        case service
        case importID
        case run
        case trainingSet
        case artifact
    }

    package enum WhenEmpty: Sendable, Hashable {
        /// Another field says it, or nothing is meant.
        case nothing
        /// All of the project are meant.
        case everything
    }

    package var number: UInt32
    package var kind: Kind
    package var whenEmpty: WhenEmpty

    private init(_ number: UInt32, _ kind: Kind, whenEmpty: WhenEmpty = .nothing) {
        self.number = number
        self.kind = kind
        self.whenEmpty = whenEmpty
    }

    static func view(_ number: UInt32) -> Self { Self(number, .view) }
    static func viewsOrAll(_ number: UInt32) -> Self {
        Self(number, .view, whenEmpty: .everything)
    }
    static func model(_ number: UInt32) -> Self { Self(number, .model) }
    static func service(_ number: UInt32) -> Self { Self(number, .service) }
    static func modelOrAll(_ number: UInt32) -> Self {
        Self(number, .model, whenEmpty: .everything)
    }
    /// Where the service may be left out for a model's, a token for some views names it.
    static func serviceOrAll(_ number: UInt32) -> Self {
        Self(number, .service, whenEmpty: .everything)
    }
    static func importID(_ number: UInt32) -> Self { Self(number, .importID) }
    static func run(_ number: UInt32) -> Self { Self(number, .run) }
    static func trainingSet(_ number: UInt32) -> Self { Self(number, .trainingSet) }
    static func artifact(_ number: UInt32) -> Self { Self(number, .artifact) }
}

extension Operation {
    package var scope: OperationScope {
        switch self {
        case .authenticate, .status: .narrowedAnswer
        case .verify, .listAudit, .verifyAudit, .createToken, .listTokens, .revokeToken, .backup,
            .listBackups, .collectGarbage:
            .server
        case .plan, .apply: .definitions
        case .forget: .wholeProject
        case .startRun: .named([.trainingSet(6)])
        case .listMonitors, .tryMonitor, .listRollouts, .describeCatalog, .listImports,
            .listTrainingSets,
            .listModels, .listRuns,
            .putArtifact, .searchRuns, .beginUpload, .putPart, .finishUpload:
            .project
        case .push, .beginImport, .history, .export: .named([.view(2)])
        case .stageRows, .publishImport, .abandonImport: .named([.importID(2)])
        case .materialize, .compact: .named([.viewsOrAll(2)])
        case .retract: .named([.importID(2), .viewsOrAll(5)])
        case .read: .named([.serviceOrAll(2), .model(5)])
        case .makeTrainingSet, .explain: .named([.service(2)])
        case .showTrainingSet, .getTrainingSet, .profile, .deleteTrainingSet:
            .named([.trainingSet(2)])
        case .drift: .named([.trainingSet(2), .trainingSet(3), .model(8), .view(14)])
        case .profileSpan: .named([.view(2), .model(3)])
        case .performance: .named([.model(2)])
        case .logRun, .endRun, .getRun, .beatRun, .deleteRun: .named([.run(2)])
        case .lineage: .named([.model(2), .run(4)])
        case .registerVersion: .named([.model(2)])
        case .listVersions, .resolveVersion, .promote, .rollback, .deleteVersion, .setAlias,
            .deleteAlias, .listAliases, .approve, .listApprovals, .listGates, .stagesAt,
            .watch, .reproduce, .searchVersions, .diffVersions, .report, .logPredictions,
            .logOutcomes, .setPredictionLog, .stageHolders, .startRollout, .cancelRollout:
            .named([.model(2)])
        case .trace:
            .named([
                .view(2), .importID(3), .trainingSet(4), .artifact(5), .service(6), .run(7),
            ])
        case .showPredictionLog: .named([.modelOrAll(2)])
        case .skew: .named([.model(2), .serviceOrAll(7)])
        case .trainingSetFromLog: .named([.model(2), .serviceOrAll(8)])
        case .scanPredictions: .named([.model(2), .serviceOrAll(9)])
        case .statArtifact, .getArtifact: .named([.artifact(2)])
        }
    }
}
