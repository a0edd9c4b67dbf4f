import Catalog
import Domain
import Offline
import Training
import Wire

extension Dispatcher {
    /// Says for one row of a spine which row of each view a training set would take, and why it
    /// would not take the others.
    func explain(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireExplainRequest.self, from: call.control)
        let head = try CallHead(request.head)
        let snapshot = services.catalog.snapshot
        let plan = try services.plans.plan(
            try FeatureServiceReference(text: request.service),
            in: try snapshot.project(head.project),
            of: snapshot
        ).plan
        let row = try Schema(wire: request.schema).batch(from: call.data)
        let through = try logEntry(asOf: request.asOf, call)
        let parts = try services.trainingSets.explain(
            row,
            eventTime: request.eventTime,
            plan: plan,
            scope: JoinScope(through: through, asKnown: request.asKnown)
        )
        for part in parts { try send(part, of: call) }
        var answer = WireExplainResponse()
        answer.logEntry = through
        answer.service = plan.service.description
        return try Answer(answer)
    }

    /// Sends a part in items that fit a frame, at least one.
    private func send(_ part: ExplainedPart, of call: Call) throws {
        let table = try table(of: part)
        var item = WireExplainItem()
        item.label = part.label
        item.view = part.view.name.text
        item.status = part.status.name
        if let lookback = part.lookback { item.lookbackUs = lookback.microseconds }
        item.schema = WireSchema(table.schema)
        let pieces = table.pieces(maxBytes: Limits.frameBytes / 2)
        for piece in pieces.isEmpty ? [table] : pieces {
            try call.send(control: Messages.encode(item), data: piece.buffer)
            item.clearSchema()
        }
    }

    private func table(of part: ExplainedPart) throws -> RecordBatch {
        if let history = part.history {
            return HistoryTable.batch(history, of: part.view, withVerdicts: true)
        }
        let schema = HistoryTable.schema(of: part.view, withVerdicts: true)
        return RecordBatch(
            schema: schema,
            columns: try schema.fields.map { try Column($0.type, []) },
            rowCount: 0
        )
    }
}

extension JoinStatus {
    fileprivate var name: String {
        switch self {
        case .matched: "matched"
        case .nullKey: "nullKey"
        case .notFound: "notFound"
        case .expired: "expired"
        }
    }
}
