package import Domain

/// Every call of the protocol.
///
/// Adding a case makes the compiler ask for its permission, its shape and its place in the
/// dispatcher.
package enum Operation: UInt16, Sendable, CaseIterable {
    case status = 0x0001
    case verify = 0x0002
    case compact = 0x0003
    case authenticate = 0x0004
    case createToken = 0x0005
    case listTokens = 0x0006
    case revokeToken = 0x0007
    case backup = 0x0008
    case listBackups = 0x0009
    case plan = 0x0010
    case apply = 0x0011
    case describeCatalog = 0x0012
    case push = 0x0020
    case beginImport = 0x0021
    case stageRows = 0x0022
    case publishImport = 0x0023
    case listImports = 0x0024
    case materialize = 0x0025
    case abandonImport = 0x0026
    case retract = 0x0027
    case forget = 0x0028
    case read = 0x0030
    case history = 0x0031
    case export = 0x0032
    case makeTrainingSet = 0x0040
    case listTrainingSets = 0x0041
    case showTrainingSet = 0x0042
    case getTrainingSet = 0x0043
    case explain = 0x0044
    case startRun = 0x0050
    case logRun = 0x0051
    case endRun = 0x0052
    case getRun = 0x0053
    case listRuns = 0x0054
    case registerVersion = 0x0060
    case listModels = 0x0061
    case listVersions = 0x0062
    case resolveVersion = 0x0063
    case promote = 0x0064
    case rollback = 0x0065
    case lineage = 0x0066
    case listAudit = 0x0067
    case putArtifact = 0x0070
    case statArtifact = 0x0071
    case getArtifact = 0x0072
    case setAlias = 0x0080
    case deleteAlias = 0x0081
    case listAliases = 0x0082
    case approve = 0x0083
    case listApprovals = 0x0084
    case listGates = 0x0085
    case stagesAt = 0x0086
    case watch = 0x0087
    case verifyAudit = 0x0088
    case reproduce = 0x0089
    case searchRuns = 0x0090
    case searchVersions = 0x0091
    case trace = 0x0092
    case diffVersions = 0x0093
    case report = 0x0094
    case deleteRun = 0x0098
    case deleteTrainingSet = 0x0099
    case deleteVersion = 0x009A
    case beginUpload = 0x00A0
    case putPart = 0x00A1
    case finishUpload = 0x00A2
    case collectGarbage = 0x00A3
    case beatRun = 0x00A4
    case logPredictions = 0x00B0
    case logOutcomes = 0x00B1
    case scanPredictions = 0x00B2
    case setPredictionLog = 0x00B3
    case showPredictionLog = 0x00B4
    case skew = 0x00B5
    case trainingSetFromLog = 0x00B6
    case profile = 0x00C0
    case drift = 0x00C1
    case performance = 0x00C2
    case listMonitors = 0x00C8
    case tryMonitor = 0x00C9
    case stageHolders = 0x00D0
    case startRollout = 0x00D1
    case cancelRollout = 0x00D2
    case listRollouts = 0x00D3
    case profileSpan = 0x00E0
}

extension Operation {
    /// What a caller must be allowed to do; nil is what anybody may: to say who they are.
    package var permission: Permission? {
        switch self {
        case .authenticate: nil
        case .createToken, .listTokens, .revokeToken: .manageTokens
        case .status: .observe
        case .verify, .compact, .backup, .listBackups, .collectGarbage: .operate
        case .forget: .erase
        case .plan, .apply: .apply
        case .describeCatalog, .listImports: .readDefinitions
        // Whoever may be answered may say what was made of it.
        case .read, .history, .export, .logPredictions, .scanPredictions: .readFeatures
        case .push, .beginImport, .stageRows, .publishImport, .materialize, .abandonImport,
            .retract, .logOutcomes:
            .writeFeatures
        case .makeTrainingSet, .listTrainingSets, .showTrainingSet, .getTrainingSet, .explain,
            .reproduce, .profile, .profileSpan, .drift, .performance, .skew, .trainingSetFromLog,
            .tryMonitor, .deleteTrainingSet:
            .train
        case .startRun, .logRun, .endRun, .registerVersion, .putArtifact, .setPredictionLog,
            .beatRun, .beginUpload, .putPart, .finishUpload, .deleteRun, .deleteVersion:
            .writeRegistry
        case .setAlias, .deleteAlias: .alias
        case .getRun, .listRuns, .listModels, .listVersions, .resolveVersion, .lineage,
            .statArtifact, .getArtifact, .listAliases, .listApprovals, .listGates, .stagesAt,
            .watch, .searchRuns, .searchVersions, .trace, .diffVersions, .report,
            .listMonitors, .showPredictionLog, .stageHolders,
            .listRollouts:
            .readRegistry
        case .promote, .rollback, .startRollout, .cancelRollout: .promote
        case .approve: .approve
        case .listAudit, .verifyAudit: .audit
        }
    }

    /// Whether a repeat must carry the request id of the first.
    package var isWrite: Bool {
        switch self {
        case .apply, .push, .beginImport, .stageRows, .publishImport, .materialize,
            .makeTrainingSet, .startRun, .logRun, .endRun, .registerVersion, .promote, .rollback,
            .putArtifact, .compact, .abandonImport, .retract, .forget, .setAlias, .deleteAlias,
            .approve, .createToken, .revokeToken, .reproduce, .backup, .logPredictions,
            .logOutcomes, .setPredictionLog, .trainingSetFromLog,
            .startRollout, .cancelRollout,
            .beginUpload, .putPart, .finishUpload, .collectGarbage, .deleteRun,
            .deleteTrainingSet, .deleteVersion:
            true
        case .authenticate, .listTokens, .status, .verify, .plan, .describeCatalog, .listImports,
            .read, .history, .export,
            .listTrainingSets, .explain,
            .showTrainingSet, .getTrainingSet, .profile, .profileSpan, .listMonitors, .tryMonitor,
            .drift,
            .performance, .getRun, .listRuns,
            .listModels,
            .listVersions,
            .resolveVersion, .lineage, .listAudit, .statArtifact, .getArtifact, .listAliases,
            .listApprovals, .listGates, .stagesAt, .watch, .verifyAudit, .searchRuns,
            .searchVersions, .trace, .diffVersions, .report, .listBackups, .scanPredictions,
            .showPredictionLog, .skew,
            .beatRun, .stageHolders, .listRollouts:
            false
        }
    }
}
