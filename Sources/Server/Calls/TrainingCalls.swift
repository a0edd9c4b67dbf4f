import Catalog
import Codec
import Domain
import Ingest
import NIOCore
import Offline
import Registry
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
        let record = try make(request, plan, project.name, call)
        try call.checkEnded()
        let stored = try services.registry.recordTrainingSet(
            record,
            call: try writeCall(call, head)
        ) { try WireTrainingSet($0).serializedBytes() }
        return Answer(stored: stored)
    }

    private func make(
        _ request: WireMakeTrainingSetRequest,
        _ plan: FeaturePlan,
        _ project: ProjectName,
        _ call: Call
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
                actor: call.actor.name,
                made: services.now()
            ),
            spine: { try call.nextUpload().map { try schema.batch(from: $0.data) } },
            emit: sender.send,
            isCancelled: { call.isEnded }
        )
        FreedMemory.giveBack(after: Int(record.rows))
        return record
    }

    func listTrainingSets(_ call: Call) throws -> Answer {
        let project = try services.catalog.snapshot.project(try CallHead.peek(call.control).project)
        var answer = WireTrainingSets()
        answer.sets = try services.registry.trainingSets(project: project.name).map(
            WireTrainingSet.init
        )
        return try Answer(answer)
    }

    func showTrainingSet(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireTrainingSetRequest.self, from: call.control)
        return try Answer(WireTrainingSet(try trainingSet(request.id, try CallHead(request.head))))
    }

    func getTrainingSet(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireTrainingSetRequest.self, from: call.control)
        return try remake(try trainingSet(request.id, try CallHead(request.head)), call)
    }

    /// The answer to a repeated request: the recorded set, made again.
    ///
    /// What the client uploads is not read.
    private func repeated(_ first: [UInt8], _ call: Call) throws -> Answer {
        let message = try WireTrainingSet(serializedBytes: first)
        let id = try TrainingSetID(message.id, as: "training set")
        guard let record = try services.registry.trainingSet(id) else {
            throw AlulaError(.internal, "training set \(id) is not recorded")
        }
        return try remake(record, call)
    }

    private func remake(_ record: TrainingSetRecord, _ call: Call) throws -> Answer {
        let snapshot = services.catalog.snapshot
        let project = try snapshot.project(record.project.text)
        let plan = try services.plans.plan(record.service, in: project, of: snapshot).plan
        try waitUntilApplied(record.logEntry, call)
        let sender = BatchSender(call)
        let remade = try services.trainingSets.remake(
            record,
            plan: plan,
            emit: sender.send,
            isCancelled: { call.isEnded }
        )
        FreedMemory.giveBack(after: Int(record.rows))
        try call.checkEnded()
        guard remade.digest == record.digest else {
            throw AlulaError(
                .dataLoss,
                "training set \(record.id) was made again with digest \(remade.digest): \(record.digest) was recorded",
                help: "its history has changed: do not trust what was received"
            )
        }
        return try Answer(WireTrainingSet(record))
    }

    private func trainingSet(_ text: String, _ head: CallHead) throws -> TrainingSetRecord {
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
private final class BatchSender {
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
