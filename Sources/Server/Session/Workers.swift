import Domain
import Synchronization
import Wire

/// The threads that answer calls.
///
/// Streams, which may wait for their client, have threads of their own, so that a slow client holds
/// up no short call; so have pushes and writes to the registry, which wait for the disk. All queues are bounded, that of
/// pushes in bytes too.
final class Workers: Sendable {
    enum Kind: Int, CaseIterable {
        case short, push, registry, stream

        /// The word for it in metrics.
        var word: String {
            switch self {
            case .short: "short"
            case .push: "push"
            case .registry: "registry"
            case .stream: "streams"
            }
        }

        fileprivate var threads: Int {
            switch self {
            case .short: 16
            // As many writes at once can become one synced group.
            case .push, .registry: 32
            // Most of them wait for a client, and a connection takes
            // `Limits.streamsPerConnection` at most.
            case .stream: 128
            }
        }
    }

    private struct Queue {
        var calls = 0
        var bytes = 0
    }

    private let pools = Kind.allCases.map { WorkerThreads("alula \($0.word)", limit: $0.threads) }
    private let waiting = Mutex([Queue](repeating: Queue(), count: Kind.allCases.count))

    private static let mostCalls = 8_192

    /// Calls that wait for a thread or are on one.
    func depth(_ kind: Kind) -> Int { waiting.withLock { $0[kind.rawValue].calls } }

    func start() throws(AlulaError) {
        for pool in pools { try pool.start() }
    }

    func stop() async {
        for pool in pools { await pool.stop() }
    }

    /// False where too many calls of the kind are waiting already, or the server is stopping; `bytes`
    /// are those that the call holds until it is answered.
    func run(_ kind: Kind, bytes: Int, _ body: @escaping @Sendable () -> Void) -> Bool {
        let taken = waiting.withLock { queues in
            let queue = queues[kind.rawValue]
            guard queue.calls < Self.mostCalls else { return false }
            guard kind != .push || queue.bytes + bytes <= Limits.queuedPushBytes else {
                return false
            }
            queues[kind.rawValue].calls += 1
            queues[kind.rawValue].bytes += bytes
            return true
        }
        guard taken else { return false }
        let isTaken = pools[kind.rawValue].submit {
            body()
            self.release(kind, bytes)
        }
        if !isTaken { release(kind, bytes) }
        return isTaken
    }

    private func release(_ kind: Kind, _ bytes: Int) {
        waiting.withLock { queues in
            queues[kind.rawValue].calls -= 1
            queues[kind.rawValue].bytes -= bytes
        }
    }
}

extension Operation {
    /// The threads that answer it where it is no stream.
    var workers: Workers.Kind {
        switch self {
        case .push: .push
        case .startRun, .logRun, .endRun, .registerVersion, .setAlias, .deleteAlias, .promote,
            .rollback, .approve, .startRollout, .cancelRollout:
            .registry
        default: .short
        }
    }

    /// Whether the call goes on until its client ends it.
    var staysOpen: Bool { self == .watch }

    /// Whether the call streams: uploads, or answers with items.
    var isStream: Bool {
        switch self {
        case .stageRows, .materialize, .history, .export, .makeTrainingSet, .getTrainingSet,
            .explain,
            .putArtifact, .getArtifact, .verify, .compact, .retract, .forget, .reproduce,
            .verifyAudit, .backup, .scanPredictions, .skew, .trainingSetFromLog, .drift,
            .profileSpan,
            .performance, .tryMonitor, .putPart, .finishUpload, .collectGarbage:
            true
        case .authenticate, .createToken, .listTokens, .revokeToken, .status, .plan, .apply,
            .describeCatalog, .listMonitors, .push, .beginImport, .publishImport,
            .abandonImport, .listImports, .read, .listTrainingSets, .showTrainingSet, .profile,
            .startRun,
            .logRun, .endRun,
            .getRun, .listRuns, .registerVersion, .listModels, .listVersions, .resolveVersion,
            .promote, .rollback, .lineage, .listAudit, .statArtifact, .setAlias, .deleteAlias,
            .listAliases, .approve, .listApprovals, .listGates, .stagesAt, .watch, .searchRuns,
            .searchVersions, .trace, .diffVersions, .report, .listBackups, .logPredictions,
            .logOutcomes, .setPredictionLog, .showPredictionLog,
            .beginUpload, .beatRun, .stageHolders, .startRollout, .cancelRollout,
            .listRollouts, .deleteRun, .deleteTrainingSet, .deleteVersion:
            false
        }
    }
}
