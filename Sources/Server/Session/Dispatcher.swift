import Catalog
import Domain
import Ingest
import Logging
import NIOCore
import Offline
import SwiftProtobuf
import Wire

/// The last frame of a call that succeeded, and what goes before it.
struct Answer: Sendable {
    var control: ByteBuffer
    var data = ByteBuffer()
    /// How the call goes on on a stream's thread, where its answer is over one frame.
    var rest: (@Sendable (Call) throws -> Answer)?
    /// Whether the call goes on by itself, with items, until its client ends it.
    private(set) var staysOpen = false

    init(control: ByteBuffer, data: ByteBuffer = ByteBuffer()) {
        self.control = control
        self.data = data
    }

    /// An answer that is found on a stream's thread.
    init(rest: @escaping @Sendable (Call) throws -> Answer) {
        control = ByteBuffer()
        self.rest = rest
    }

    init(_ message: some Message, data: [UInt8] = []) throws(AlulaError) {
        control = try Messages.encode(message, limit: Self.controlLimit(with: data))
        self.data = ByteBuffer(bytes: data)
    }

    /// A response without data may be one long list.
    private static func controlLimit(with data: [UInt8]) -> Int {
        data.isEmpty ? Limits.frameBytes : Limits.controlBytes
    }

    /// The bytes of a control message, as kept under a request id.
    init(stored: [UInt8]) { control = ByteBuffer(bytes: stored) }

    /// Of a call that goes on by itself.
    static let open: Answer = {
        var answer = Answer(stored: [])
        answer.staysOpen = true
        return answer
    }()
}

/// One place that turns a call into its answer, and any error into a house error.
struct Dispatcher: Sendable {
    let services: Services
    let logger: Logger

    /// Runs on a worker thread and may block.
    func answer(_ call: Call) -> Result<Answer, AlulaError> {
        answer(call) { call in
            try checkLookups(call)
            try checkHead(call)
            try services.checkWritable(call.operation)
            return try perform(call)
        }
    }

    /// Likewise, by what is left to do of a call.
    func answer(
        _ call: Call,
        _ body: (Call) throws -> Answer
    ) -> Result<Answer, AlulaError> {
        do {
            try call.checkEnded()
            return .success(try body(call))
        } catch let error as AlulaError {
            return .failure(error)
        } catch {
            logger.error(
                "call failed",
                metadata: ["operation": "\(call.operation)", "error": "\(error)"]
            )
            return .failure(
                .init(.internal, "the server failed; its log says more", retry: .never)
            )
        }
    }

    /// A write without a request id would be done twice by a repeat after a lost connection.
    private func checkHead(_ call: Call) throws(AlulaError) {
        let head = try CallHead.peek(call.control)
        guard call.operation.isWrite, head.requestID.isEmpty else { return }
        throw .invalid("a write needs a request id of 16 bytes: found none")
    }

    /// Waits until the offline store has followed the log up to `entry`, or the call ends.
    func waitUntilApplied(_ entry: UInt64, _ call: Call) throws(AlulaError) {
        while services.offline.appliedThrough < entry {
            try call.checkEnded()
            if let failure = services.offline.failure {
                throw .refused(
                    "history ends at log entry \(services.offline.appliedThrough) and does not follow "
                        + "to \(entry) since its file failed: \(failure.message)",
                    help: "look at the disk, then restart the server; online reads go on"
                )
            }
            do {
                try services.ingestor.waitUntilApplied(entry, deadline: .now + .milliseconds(200))
            } catch  where error.code == .deadlineExceeded {
                continue
            }
        }
    }

    private func perform(_ call: Call) throws -> Answer {
        switch call.operation {
        case .authenticate:
            throw AlulaError(.internal, "a session takes tokens itself, in their order")
        case .createToken: try createToken(call)
        case .listTokens: try listTokens(call)
        case .revokeToken: try revokeToken(call)
        case .status: try status(call)
        case .plan: try plan(call)
        case .apply: try apply(call)
        case .describeCatalog: try describeCatalog(call)
        case .push: try push(call)
        case .beginImport: try beginImport(call)
        case .stageRows: try stageRows(call)
        case .publishImport: try publishImport(call)
        case .listImports: try listImports(call)
        case .materialize: try materialize(call)
        case .read: try read(call)
        case .history: try history(call)
        case .export: try export(call)
        case .explain: try explain(call)
        case .abandonImport: try abandonImport(call)
        case .retract: try retract(call)
        case .forget: try forget(call)
        case .compact: try compact(call)
        case .verify: try verify(call)
        case .backup: try backup(call)
        case .listBackups: try listBackups(call)
        case .makeTrainingSet: try makeTrainingSet(call)
        case .listTrainingSets: try listTrainingSets(call)
        case .showTrainingSet: try showTrainingSet(call)
        case .getTrainingSet: try getTrainingSet(call)
        case .profile: try profile(call)
        case .profileSpan: try profileSpan(call)
        case .drift: try drift(call)
        case .performance: try performance(call)
        case .listMonitors: try listMonitors(call)
        case .tryMonitor: try tryMonitor(call)
        case .startRun: try startRun(call)
        case .logRun: try logRun(call)
        case .endRun: try endRun(call)
        case .getRun: try getRun(call)
        case .listRuns: try listRuns(call)
        case .registerVersion: try registerVersion(call)
        case .listModels: try listModels(call)
        case .listVersions: try listVersions(call)
        case .resolveVersion: try kept(call, resolveVersion)
        case .promote: try promote(call)
        case .rollback: try rollback(call)
        case .lineage: try lineage(call)
        case .trace: try trace(call)
        case .diffVersions: try diffVersions(call)
        case .report: try report(call)
        case .deleteRun: try deleteRun(call)
        case .deleteTrainingSet: try deleteTrainingSet(call)
        case .deleteVersion: try deleteVersion(call)
        case .searchRuns: try searchRuns(call)
        case .searchVersions: try searchVersions(call)
        case .listAudit: try listAudit(call)
        case .setAlias: try setAlias(call)
        case .deleteAlias: try deleteAlias(call)
        case .listAliases: try listAliases(call)
        case .approve: try approve(call)
        case .listApprovals: try listApprovals(call)
        case .listGates: try listGates(call)
        case .stagesAt: try stagesAt(call)
        case .stageHolders: try kept(call, stageHolders)
        case .startRollout: try startRollout(call)
        case .cancelRollout: try cancelRollout(call)
        case .listRollouts: try listRollouts(call)
        case .watch: try watch(call)
        case .reproduce: try reproduce(call)
        case .verifyAudit: try verifyAudit(call)
        case .putArtifact: try putArtifact(call)
        case .statArtifact: try statArtifact(call)
        case .getArtifact: try getArtifact(call)
        case .beginUpload: try beginUpload(call)
        case .putPart: try putPart(call)
        case .finishUpload: try finishUpload(call)
        case .collectGarbage: try collectGarbage(call)
        case .beatRun: try beatRun(call)
        case .logPredictions: try logPredictions(call)
        case .logOutcomes: try logOutcomes(call)
        case .scanPredictions: try scanPredictions(call)
        case .setPredictionLog: try setPredictionLog(call)
        case .showPredictionLog: try showPredictionLog(call)
        case .skew: try skew(call)
        case .trainingSetFromLog: try trainingSetFromLog(call)
        }
    }
}
