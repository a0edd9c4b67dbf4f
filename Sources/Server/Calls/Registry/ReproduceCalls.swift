import Artifacts
import Catalog
import Domain
import Ingest
import Registry
import Training
import Wire

extension Dispatcher {
    /// Makes the training set of a version again from definitions, spine and log, and notes what
    /// became of it.
    func reproduce(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireReproduceRequest.self, from: call.control)
        let head = try CallHead(request.head)
        let model = try RegisteredModelName(request.model, as: "model")
        let version = try services.registry.version(
            .version(request.version),
            of: model,
            project: try project(of: request.head)
        )
        guard let id = version.trainingSet, let record = try services.registry.trainingSet(id)
        else {
            throw AlulaError.refused(
                "version \(version.number) of \(model) has no training set that could be made again",
                help: "register versions from runs that name their training set"
            )
        }
        let entry = services.ingestor.lastEntry
        try waitUntilApplied(entry, call)
        var answer = WireReproduceResponse()
        let state = try remade(record, &answer, call)
        let fact = ReproductionFact(
            trainingSet: id,
            state: state,
            logEntry: entry,
            time: services.now()
        )
        try services.registry.record(fact, call: try writeCall(call, head))
        answer.trainingSet = id.text
        answer.state = state.rawValue
        answer.recordedDigest = record.digest.description
        answer.logEntry = entry
        answer.timeUs = fact.time.microseconds
        return try Answer(answer)
    }

    private func remade(
        _ record: TrainingSetRecord,
        _ answer: inout WireReproduceResponse,
        _ call: Call
    ) throws -> ReproductionFact.State {
        guard try services.artifacts.size(of: record.spineArtifact) != nil else {
            answer.differences = ["its spine, artifact \(record.spineArtifact), is gone"]
            return .damaged
        }
        let snapshot = services.catalog.snapshot
        let project = try snapshot.project(record.project.text)
        let plan = record.plan(
            try services.plans.plan(record.service, in: project, of: snapshot).plan
        )
        let remade = try services.trainingSets.remake(
            record,
            plan: plan,
            emit: { _, _ in },
            isCancelled: { call.isEnded }
        )
        FreedMemory.giveBack(after: Int(record.rows))
        try call.checkEnded()
        answer.digest = remade.digest.description
        // Read again: a deletion may have blanked its spine meanwhile.
        let record = try services.registry.trainingSet(record.id) ?? record
        switch try services.trainingSets.state(of: record, remade: remade, plan: plan) {
        case .complete: return .complete
        case .incomplete(let losses):
            answer.differences = Self.differences(record, losses)
            return .incomplete
        case .damaged:
            answer.differences = Self.differences(record.reports, remade.reports)
            return .damaged
        }
    }

    private static func differences(
        _ record: TrainingSetRecord,
        _ losses: SetLosses
    ) -> [String] {
        var lines = losses.views.map { view in
            "\(view.label): \(view.values) values are gone, taken at log entry "
                + view.logEntries.map(String.init).joined(separator: ", ")
        }
        if losses.blankedRows > 0 {
            lines.append("spine: \(losses.blankedRows) of \(record.rows) rows are blanked")
        }
        return lines
    }

    private static func differences(_ before: [ViewReport], _ after: [ViewReport]) -> [String] {
        var lines: [String] = []
        for (before, after) in zip(before, after) where before != after {
            let counts: [(String, UInt64, UInt64)] = [
                ("matched", before.matched, after.matched),
                ("expired", before.expired, after.expired),
                ("not found", before.notFound, after.notFound),
                ("null keys", before.nullKeys, after.nullKeys),
                ("late", before.late, after.late), ("unknown", before.unknown, after.unknown),
            ]
            let moved = counts.filter { $0.1 != $0.2 }.map { "\($0.0) \($0.1), now \($0.2)" }
            lines.append("\(before.label): " + moved.joined(separator: ", "))
        }
        if lines.isEmpty { lines.append("values differ, though every count is as it was") }
        return lines
    }
}
