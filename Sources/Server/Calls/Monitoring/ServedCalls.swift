import Catalog
import Codec
import Domain
import NIOCore
import Registry
import Served
import SwiftProtobuf
import Wire

/// The prediction log.
extension Dispatcher {
    /// Predictions, or why there are none.
    func logPredictions(_ call: Call) throws -> Answer { try logValues(call, areOutcomes: false) }

    func logOutcomes(_ call: Call) throws -> Answer { try logValues(call, areOutcomes: true) }

    private func logValues(_ call: Call, areOutcomes: Bool) throws -> Answer {
        let request = try Messages.decode(WireLogValuesRequest.self, from: call.control)
        let head = try CallHead(request.head)
        let name = try servedName(request.model, request.head)
        let schema = try Schema(wire: request.schema)
        let areFailures = !areOutcomes && schema.index(of: "failure") != nil
        let content = areFailures ? "failure" : "value"
        let known = areOutcomes ? ["id", content, "time"] : ["id", content]
        if let stranger = schema.fields.first(where: { !known.contains($0.name) }) {
            throw AlulaError.invalid(
                "column \"\(stranger.name)\" is none of \(known.joined(separator: ", "))"
            )
        }
        let batch = try schema.batch(from: call.data)
        guard let ids = batch["id"], ids.type == .bytes, let values = batch[content] else {
            throw AlulaError.invalid(
                "prediction ids are wanted as column \"id\" (bytes), and values as \"value\", or "
                    + "why there are none as \"failure\""
            )
        }
        guard !areFailures || values.type == .string else {
            throw AlulaError.invalid("column \"failure\" is \(values.type): expected string")
        }
        let times = batch["time"]
        if let times, times.type != .timestamp {
            throw AlulaError.invalid("column \"time\" is \(times.type): expected timestamp")
        }
        let stored = try services.served.log(
            LoggedValues(
                ids: ids,
                values: values,
                times: times,
                kind: areOutcomes ? .outcome : areFailures ? .failure : .prediction
            ),
            for: name,
            requestID: head.requestID
        ) { statuses in
            var answer = WireLogValuesResponse()
            answer.statuses.append(contentsOf: statuses.map(\.rawValue))
            return try answer.serializedBytes()
        }
        return Answer(stored: stored)
    }

    /// A model that the registry knows.
    func servedName(_ model: String, _ head: WireCallHead) throws -> ServedModel.Name {
        let name = try RegisteredModelName(model, as: "model")
        let project = try project(of: head)
        guard try services.registry.hasModel(name, in: project) else {
            throw AlulaError.notFound(
                "there is no model \"\(name)\" in project \(project)",
                help: "list them: alula models"
            )
        }
        return ServedModel.Name(project, name)
    }

    func setPredictionLog(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireSetPredictionLogRequest.self, from: call.control)
        let name = try servedName(request.model, request.head)
        let old = try services.served.summaries(name.project, model: name.model).first?.settings
        var keep = old?.keep
        if request.hasKeepUs {
            keep = request.keepUs == 0 ? nil : TimeSpan(microseconds: request.keepUs)
        }
        let rate = request.hasRate ? request.rate : old?.rate
        try ServedLog.check(rate: rate, keep: keep)
        if let keep, old?.keep.map({ keep < $0 }) ?? true, !call.identity.may(.operate) {
            throw AlulaError(
                .permissionDenied,
                "to keep what was served for a shorter time deletes what is older",
                help:
                    "it takes the role \(Permission.operate.roles.map(\.rawValue).sorted().joined(separator: ", "))"
            )
        }
        // First, so that nothing is set that the audit log does not tell.
        try services.registry.record(
            PredictionLogSetting(rate: rate ?? 1, keep: keep),
            after: PredictionLogSetting(rate: old?.rate ?? 1, keep: old?.keep),
            of: name.model,
            call: try writeCall(call, try CallHead(request.head))
        )
        try services.served.set(rate: rate, keep: keep, of: name)
        let summary = try services.served.summaries(name.project, model: name.model).first
        return try Answer(summary.map(WirePredictionLog.init) ?? WirePredictionLog())
    }

    func showPredictionLog(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireShowPredictionLogRequest.self, from: call.control)
        var answer = WirePredictionLogs()
        if request.model.isEmpty {
            let project = try project(of: request.head)
            answer.logs = try services.served.summaries(project).map(WirePredictionLog.init)
        } else {
            let name = try servedName(request.model, request.head)
            let found = try services.served.summaries(name.project, model: name.model)
            answer.logs = found.map(WirePredictionLog.init)
            if found.isEmpty { answer.logs = [WirePredictionLog(unused: name.model)] }
        }
        return try Answer(answer)
    }

    func scanPredictions(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireScanPredictionsRequest.self, from: call.control)
        var query = ServedQuery(try servedName(request.model, request.head))
        query.versions = request.versions.isEmpty ? nil : Set(request.versions)
        query.since = request.hasSinceUs ? Timestamp(microseconds: request.sinceUs) : nil
        query.until = request.hasUntilUs ? Timestamp(microseconds: request.untilUs) : nil
        query.asKnown = request.hasAsKnownUs ? Timestamp(microseconds: request.asKnownUs) : nil
        query.columns = request.columns.isEmpty ? nil : request.columns
        query.withStatuses = !request.withoutStatuses
        query.service = request.service.isEmpty ? nil : request.service
        var sent: Schema?
        var answer = WireScanPredictionsResponse()
        try ServedScan(services.served).scan(query, isCancelled: { call.isEnded }) { batch in
            for piece in batch.pieces(maxBytes: Limits.frameBytes / 2) {
                var item = WireScanPredictionsItem()
                if sent != piece.schema { item.schema = WireSchema(piece.schema) }
                sent = piece.schema
                answer.rows += UInt64(piece.rowCount)
                try call.send(control: Messages.encode(item), data: piece.buffer)
            }
        }
        try call.checkEnded()
        return try Answer(answer)
    }
}

extension WirePredictionLog {
    fileprivate init(_ summary: ServedSummary) {
        self.init()
        model = summary.settings.name.model.text
        rate = summary.settings.rate ?? 1
        keepUs = summary.settings.keep?.microseconds ?? 0
        predictionType = summary.settings.predictionType?.description ?? ""
        outcomeType = summary.settings.outcomeType?.description ?? ""
        vectors = summary.vectors
        predictions = summary.predictions
        outcomes = summary.outcomes
        failures = summary.failures
        bytes = summary.bytes
        oldestUs = summary.oldest?.microseconds ?? 0
        newestUs = summary.newest?.microseconds ?? 0
        versions = summary.versions
    }

    fileprivate init(unused model: RegisteredModelName) {
        self.init()
        self.model = model.text
        rate = 1
    }
}
