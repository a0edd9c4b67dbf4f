import Domain
import NIOPosix
import Synchronization
import Wire

/// The threads that answer calls.
///
/// Streams, which may wait for their client, have threads of their own, so that a slow client holds
/// up no short call. Both queues are bounded.
final class Workers: Sendable {
    private let short: NIOThreadPool
    private let streams: NIOThreadPool
    private let waiting = Mutex<(short: Int, streams: Int)>((0, 0))

    private static let shortThreads = 16
    // Most of them wait for a client, and a connection takes `Limits.streamsPerConnection` at most.
    private static let streamThreads = 128
    private static let shortLimit = 8_192
    private static let streamLimit = 8_192

    init() {
        short = NIOThreadPool(numberOfThreads: Self.shortThreads)
        streams = NIOThreadPool(numberOfThreads: Self.streamThreads)
    }

    /// Calls that wait for a thread or are on one.
    var depths: (short: Int, streams: Int) { waiting.withLock { $0 } }

    func start() {
        short.start()
        streams.start()
    }

    func stop() async {
        try? await short.shutdownGracefully()  // fails only where it was never started
        try? await streams.shutdownGracefully()
    }

    /// False where too many calls of the kind are waiting already.
    func run(asStream isStream: Bool, _ body: @escaping @Sendable () -> Void) -> Bool {
        let taken = waiting.withLock { count in
            guard isStream ? count.streams < Self.streamLimit : count.short < Self.shortLimit else {
                return false
            }
            if isStream { count.streams += 1 } else { count.short += 1 }
            return true
        }
        guard taken else { return false }
        (isStream ? streams : short).submit { _ in
            body()
            self.waiting.withLock { count in
                if isStream { count.streams -= 1 } else { count.short -= 1 }
            }
        }
        return true
    }
}

extension Operation {
    /// Whether the call streams: uploads, or answers with items.
    var isStream: Bool {
        switch self {
        case .stageRows, .materialize, .history, .export, .makeTrainingSet, .getTrainingSet,
            .explain,
            .putArtifact, .getArtifact, .verify, .compact, .retract, .forget:
            true
        case .authenticate, .createToken, .listTokens, .revokeToken, .status, .plan, .apply,
            .describeCatalog, .push, .beginImport, .publishImport,
            .abandonImport, .listImports, .read, .listTrainingSets, .showTrainingSet, .startRun,
            .logRun, .endRun,
            .getRun, .listRuns, .registerVersion, .listModels, .listVersions, .resolveVersion,
            .promote, .rollback, .lineage, .listAudit, .statArtifact:
            false
        }
    }
}
