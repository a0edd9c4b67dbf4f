import Catalog
import Domain
import Ingest
import NIOCore
import Offline
import Registry
import Served
import Statistics
import SwiftProtobuf
import Training
import Wire

/// Served against offline, and training sets of what was served.
extension Dispatcher {
    private static let mostRows: UInt64 = 100_000

    func skew(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireSkewRequest.self, from: call.control)
        let name = try servedName(request.model, request.head)
        var query = ServedQuery(name)
        query.versions = request.versions.isEmpty ? nil : Set(request.versions)
        query.since = request.hasSinceUs ? Timestamp(microseconds: request.sinceUs) : nil
        query.until = request.hasUntilUs ? Timestamp(microseconds: request.untilUs) : nil
        query.service = request.service.isEmpty ? nil : request.service
        let scan = ServedScan(services.served)
        let through = services.ingestor.lastEntry
        try waitUntilApplied(through, call)
        let most = request.mostRows == 0 ? Self.mostRows : request.mostRows
        let (first, leftOut) = try scan.newest(most, query)
        if let first { query.since = max(query.since ?? first, first) }
        var answer = WireSkewResponse()
        answer.rowsLeftOut = leftOut
        let scanned = query
        for service in try scan.services(scanned).keys.sorted() {
            query.service = service
            let plan = try plan(service, name.project)
            var replay = SkewReplay(services.offline, plan: plan, through: through)
            try scan.scan(query, isCancelled: { call.isEnded }) { batch in
                try replay.add(batch, isCancelled: { call.isEnded })
            }
            answer.services.append(WireSkewService(replay.result))
        }
        try call.checkEnded()
        return try Answer(answer)
    }

    private func plan(_ service: String, _ project: ProjectName) throws(AlulaError) -> FeaturePlan {
        let snapshot = services.catalog.snapshot
        return try services.plans.plan(
            try FeatureServiceReference(text: service),
            in: try snapshot.project(project.text),
            of: snapshot
        ).plan
    }

    func trainingSetFromLog(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireTrainingSetFromLogRequest.self, from: call.control)
        let head = try CallHead(request.head)
        if let first = try services.registry.storedAnswer(head.requestID) {
            return try repeated(first, call)
        }
        let name = try servedName(request.model, request.head)
        var query = ServedQuery(name)
        query.versions = request.versions.isEmpty ? nil : Set(request.versions)
        query.since = request.hasSinceUs ? Timestamp(microseconds: request.sinceUs) : nil
        query.until = request.hasUntilUs ? Timestamp(microseconds: request.untilUs) : nil
        query.asKnown = request.hasAsKnownUs ? Timestamp(microseconds: request.asKnownUs) : nil
        query.service = request.service.isEmpty ? nil : request.service
        query.withStatuses = false
        let service = try oneService(query)
        query.service = service
        let plan = try plan(service, name.project)
        let through = services.ingestor.lastEntry
        try waitUntilApplied(through, call)
        let stored = try services.spines.whileMaking(plan.keysOnly) {
            var profile: TableProfile?
            let record = try makeFromLog(request, query, plan, through, call) { profile = $0 }
            // Ids are all different, and of no use without the log.
            profile?.features.removeAll { $0.name == ServedRows.predictionID }
            return try keep(record, profile, call, head)
        }
        return Answer(stored: stored)
    }

    private func oneService(_ query: ServedQuery) throws -> String {
        let found = try ServedScan(services.served).services(query)
        guard let service = found.keys.first else {
            throw AlulaError.notFound(
                "no vectors of \(query.model.model) were logged that a training set could be made of",
                help: "read with log=True; alula prediction-log says what there is"
            )
        }
        guard found.count == 1 else {
            throw AlulaError.refused(
                "vectors of several service versions were logged, which do not fit one table",
                help: "name the service version, or the versions of the model",
                details: found.keys.sorted().map { service in
                    let versions = (found[service] ?? []).sorted().map(String.init)
                    return "\(service): versions \(versions.joined(separator: ", "))"
                }
            )
        }
        return service
    }

    private func makeFromLog(
        _ request: WireTrainingSetFromLogRequest,
        _ query: ServedQuery,
        _ plan: FeaturePlan,
        _ through: UInt64,
        _ call: Call,
        onProfile: @escaping (TableProfile) -> Void
    ) throws -> TrainingSetRecord {
        var rows = try ServedRows(services.served, query, withoutOutcome: request.withoutOutcome)
        let sender = BatchSender(call)
        var record = try services.trainingSets.make(
            TrainingRequest(
                id: .random(prefix: "ts"),
                plan: plan.keysOnly,
                project: query.model.project,
                spineSchema: rows.schema,
                eventTimeColumn: ServedRows.eventTime,
                label: ServedRows.outcome,
                through: through,
                asKnown: false,
                keepUnknown: false,
                spineName: "prediction log of \(query.model.model)",
                actor: call.identity.name,
                made: services.now()
            ),
            spine: { try rows.next(isCancelled: { call.isEnded }) },
            emit: sender.send,
            isCancelled: { call.isEnded },
            onProfile: onProfile
        )
        record.featureColumns = plan.schema.fields.map(\.name)
        record.servedModel = query.model.model.text
        FreedMemory.giveBack(after: Int(record.rows))
        return record
    }
}

extension WireSkewService {
    fileprivate init(_ skew: ServiceSkew) {
        self.init()
        service = skew.service
        versions = skew.versions.sorted()
        rows = skew.rows
        notReplayed = skew.notReplayed
        sinceUs = skew.since?.microseconds ?? 0
        untilUs = skew.until?.microseconds ?? 0
        features = skew.features.map { feature in
            var wire = WireSkewFeature()
            wire.column = feature.column
            wire.view = feature.view.text
            wire.same = feature.same
            wire.differs = feature.counts[.differs] ?? 0
            wire.missing = feature.counts[.missing] ?? 0
            wire.extra = feature.counts[.extra] ?? 0
            wire.late = feature.counts[.late] ?? 0
            wire.withdrawn = feature.counts[.withdrawn] ?? 0
            wire.examples = feature.examples.map(WireSkewExample.init)
            return wire
        }
    }
}

extension WireSkewExample {
    fileprivate init(_ example: FeatureSkew.Example) {
        self.init()
        predictionID.append(contentsOf: example.id.bytes)
        kind = example.kind.rawValue
        key = example.key
        served = example.served ?? ""
        then = example.then ?? ""
        now = example.now ?? ""
    }
}
