import Catalog
import Codec
import Domain
import Ingest
import NIOCore
import Offline
import Registry
import Statistics
import SwiftProtobuf
import Training
import Wire

extension Dispatcher {
    func makeTrainingSet(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireMakeTrainingSetRequest.self, from: call.control)
        let head = try CallHead(request.head)
        if let first = try services.registry.storedAnswer(head.requestID) {
            return try repeated(first, call)
        }
        let snapshot = services.catalog.snapshot
        let project = try snapshot.project(head.project)
        let plan = try services.plans.plan(
            try FeatureServiceReference(text: request.service),
            in: project,
            of: snapshot
        ).plan
        let stored = try services.spines.whileMaking(plan) {
            var profile: TableProfile?
            let record = try make(request, plan, project.name, call) { profile = $0 }
            return try keep(record, profile, call, head)
        }
        return Answer(stored: stored)
    }

    /// Names what was made, unless nobody waits for it any more; the answer is stored with it.
    func keep(
        _ record: TrainingSetRecord,
        _ profile: TableProfile?,
        _ call: Call,
        _ head: CallHead
    ) throws -> (TrainingSetRecord, [UInt8]) {
        try call.checkEnded()
        let stored = try services.registry.recordTrainingSet(
            record,
            profile: profile?.encoded(),
            call: try writeCall(call, head)
        ) { try WireTrainingSet($0).serializedBytes() }
        return (record, stored)
    }

    private func make(
        _ request: WireMakeTrainingSetRequest,
        _ plan: FeaturePlan,
        _ project: ProjectName,
        _ call: Call,
        onProfile: @escaping (TableProfile) -> Void
    ) throws -> TrainingSetRecord {
        let schema = try Schema(wire: request.schema)
        let sender = BatchSender(call)
        let record = try services.trainingSets.make(
            TrainingRequest(
                id: .random(prefix: "ts"),
                plan: plan,
                project: project,
                spineSchema: schema,
                eventTimeColumn: request.eventTime,
                label: request.label,
                through: try logEntry(asOf: request.asOf, call),
                asKnown: request.asKnown,
                keepUnknown: request.keepUnknown,
                spineName: request.spineName,
                actor: call.identity.name,
                made: services.now()
            ),
            spine: { try call.nextUpload().map { try schema.batch(from: $0.data) } },
            emit: sender.send,
            isCancelled: { call.isEnded },
            onProfile: onProfile
        )
        FreedMemory.giveBack(after: Int(record.rows))
        return record
    }

    func listTrainingSets(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireListTrainingSetsRequest.self, from: call.control)
        let page = try services.registry.trainingSets(
            project: try project(of: request.head),
            try PageRequest(token: request.pageToken, limit: request.limit)
        )
        var answer = WireTrainingSets()
        (answer.sets, answer.nextPageToken) = try page.fitted {
            covers($0, call.identity.scope) ? WireTrainingSet($0) : nil
        }
        return try Answer(answer)
    }

    func showTrainingSet(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireTrainingSetRequest.self, from: call.control)
        return try Answer(WireTrainingSet(try trainingSet(request.id, try CallHead(request.head))))
    }

    func getTrainingSet(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireTrainingSetRequest.self, from: call.control)
        return try remake(
            try trainingSet(request.id, try CallHead(request.head)),
            takesIncomplete: request.incomplete,
            call
        )
    }

    /// The answer to a repeated request: the recorded set, made again.
    ///
    /// What the client uploads is not read.
    func repeated(_ first: [UInt8], _ call: Call) throws -> Answer {
        let message = try WireTrainingSet(serializedBytes: first)
        let id = try TrainingSetID(message.id, as: "training set")
        guard let record = try services.registry.trainingSet(id) else {
            throw AlulaError(.internal, "training set \(id) is not recorded")
        }
        return try remake(record, takesIncomplete: false, call)
    }

    /// What was taken from the set is known when all of it is made: whoever does not take an
    /// incomplete one drops what came.
    private func remake(
        _ record: TrainingSetRecord,
        takesIncomplete: Bool,
        _ call: Call
    ) throws -> Answer {
        let snapshot = services.catalog.snapshot
        let project = try snapshot.project(record.project.text)
        let plan = record.plan(
            try services.plans.plan(record.service, in: project, of: snapshot).plan
        )
        try waitUntilApplied(services.ingestor.lastEntry, call)
        let sender = BatchSender(call)
        let remade = try services.trainingSets.remake(
            record,
            plan: plan,
            emit: sender.send,
            isCancelled: { call.isEnded }
        )
        FreedMemory.giveBack(after: Int(record.rows))
        try call.checkEnded()
        // Read again: a deletion may have blanked its spine meanwhile.
        let record = try services.registry.trainingSet(record.id) ?? record
        switch try services.trainingSets.state(of: record, remade: remade, plan: plan) {
        case .complete: return try Answer(WireTrainingSet(record))
        case .incomplete(let losses):
            guard takesIncomplete else { throw Self.refusal(record, losses) }
            return try Answer(WireTrainingSet(record, losses: losses))
        case .damaged:
            throw AlulaError(
                .dataLoss,
                "training set \(record.id) was made again with digest \(remade.digest): "
                    + "\(record.digest) was recorded",
                help:
                    "its history has changed: do not trust what was received; alula verify says more"
            )
        }
    }

    private static func refusal(_ record: TrainingSetRecord, _ losses: SetLosses) -> AlulaError {
        // The Python client reads the counts and the log entries out of these lines.
        var details = losses.views.map { view in
            "\(view.label): \(view.values) \(view.values == 1 ? "value" : "values") lost at log "
                + (view.logEntries.count == 1 ? "entry " : "entries ")
                + view.logEntries.map(String.init).joined(separator: ", ")
        }
        if losses.blankedRows > 0 {
            details.append("spine: \(losses.blankedRows) of \(record.rows) rows are blanked")
        }
        return AlulaError(
            .dataLoss,
            "training set \(record.id) is incomplete: history was deleted or retired since it was made",
            help: "take what is left of it: alula training-set get \(record.id) --incomplete, or "
                + "incomplete=True",
            details: details
        )
    }

    func trainingSet(_ text: String, _ head: CallHead) throws -> TrainingSetRecord {
        let id = try TrainingSetID(text, as: "training set")
        let project = try services.catalog.snapshot.project(head.project)
        guard let record = try services.registry.trainingSet(id), record.project == project.name
        else {
            throw AlulaError.notFound(
                "there is no training set \(id) in project \(project.name)",
                help: "list them: alula training-set list"
            )
        }
        return record
    }
}

/// Sends batches as the items of a call, the first with their schema.
final class BatchSender {
    private let call: Call
    private var hasSchema = false

    init(_ call: Call) { self.call = call }

    func send(_ schema: Schema, _ batch: BatchAssembler) throws {
        var item = WireBatchItem()
        if !hasSchema { item.schema = WireSchema(schema) }
        hasSchema = true
        try call.send(control: Messages.encode(item), data: batch.buffer)
    }
}
