import Catalog
import Codec
import Domain
import Ingest
import Offline
import Registry
import Served
import SwiftProtobuf
import Wire

extension Dispatcher {
    /// Deletes all rows of a key: first in every answer, by one log entry, then in every file.
    ///
    /// Behind the log entry it runs to its end, also where the client goes.
    func forget(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireForgetRequest.self, from: call.control)
        let head = try CallHead(request.head)
        let project = try services.catalog.snapshot.project(head.project)
        let entity = try project.entity(request.entity)
        let batch = try Schema(wire: request.schema).batch(from: call.data)
        let key = try KeyColumns.one(entity, in: batch, for: "a deletion")
        let progress = ProgressItems(call)
        if let first = try services.registry.storedAnswer(head.requestID, act: "forget") {
            try finishForgetting(progress)
            return Answer(stored: first)
        }
        try waitUntilApplied(services.ingestor.lastEntry, call)
        let views = try views([], of: project).filter { $0.entity.id == entity.id }
        var answer = try counts(of: key, entity, views, progress)
        guard !request.dryRun else { return try Answer(answer) }
        try call.checkEnded()
        answer.logEntry = try services.ingestor.forget(
            key,
            of: entity,
            views: views,
            requestID: head.requestID
        )
        services.spines.note(key, of: entity.id, logEntry: answer.logEntry)
        // An audit log that cannot be written must not keep the bytes in the files.
        let recorded = Result { try record(answer, entity, call, head) }
        try finishForgetting(progress)
        return Answer(stored: try recorded.get())
    }

    private func finishForgetting(_ progress: ProgressItems) throws(AlulaError) {
        try services.forgetting.finish { step, done, total in
            progress.send(WireForgetProgress(step, done: done, total: total))
        }
    }

    /// What there is of the key, and which training sets will miss it.
    private func counts(
        of key: EntityKey,
        _ entity: Entity,
        _ views: [FeatureView],
        _ progress: ProgressItems
    ) throws -> WireForgetResponse {
        progress.send(WireForgetProgress("counting", done: 0, total: 0))
        let online = try services.ingestor.countOnline(key, of: entity, views: views)
        let history = try services.offline.countRows(ofKey: key, in: views)
        let sets = try services.spines.holding(key, of: entity.id) {
            progress.isCancelled
        }
        var answer = WireForgetResponse()
        answer.views = views.map { view in
            var wire = WireForgottenView()
            wire.view = view.name.text
            if let counted = history.first(where: { $0.view == view.id }) {
                wire.historyRows = counted.historyRows
                wire.stagedRows = counted.stagedRows
            }
            wire.onlineRows = online[view.id] ?? 0
            return wire
        }
        answer.servedVectors = try services.served.count(entity.id, key: KeyCodec.encode(key))
        answer.spineRows = sets.reduce(0) { $0 + $1.rows }
        answer.trainingSets = sets.map(\.set.text)
        answer.outOfReach = try outOfReach(sets.map(\.set))
        return answer
    }

    private func outOfReach(_ sets: [TrainingSetID]) throws -> [String] {
        var places: [String] = []
        let versions = try services.registry.versions(trainedWith: sets)
        if !versions.isEmpty {
            let names = versions.prefix(20).joined(separator: ", ")
            let more = versions.count > 20 ? " and \(versions.count - 20) more" : ""
            places.append(
                "artifacts of models: \(versions.count) versions were trained with these sets "
                    + "(\(names)\(more)), and may hold what they learned"
            )
        }
        places.append("copies and backups of the data directory that were made before")
        places.append("what clients hold: sources of imports, exports, training sets in files")
        return places
    }

    private func record(
        _ answer: WireForgetResponse,
        _ entity: Entity,
        _ call: Call,
        _ head: CallHead
    ) throws -> [UInt8] {
        var rows: [FeatureViewName: UInt64] = [:]
        for view in answer.views {
            let name = try FeatureViewName(view.view, as: "view")
            rows[name] = view.historyRows + view.stagedRows
        }
        return try services.registry.record(
            .forget(
                entity.name,
                rows: rows,
                logEntry: answer.logEntry,
                trainingSets: answer.trainingSets.count
            ),
            call: try writeCall(call, head),
            answer: try answer.serializedBytes()
        )
    }
}

extension WireForgetProgress {
    fileprivate init(_ step: String, done: UInt64, total: UInt64) {
        self.init()
        self.step = step
        self.done = done
        self.total = total
    }
}
