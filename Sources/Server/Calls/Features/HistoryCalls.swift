import Catalog
import Codec
import Domain
import NIOCore
import Offline
import Wire

extension Dispatcher {
    func history(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireHistoryRequest.self, from: call.control)
        let head = try CallHead(request.head)
        let view = try services.catalog.snapshot.project(head.project).view(request.view)
        let batch = try Schema(wire: request.schema).batch(from: call.data)
        let key = try KeyColumns.one(view.entity, in: batch, for: "history")
        let through = try logEntry(asOf: request.asOf, call)
        let moment =
            request.hasAtUs
            ? HistoryMoment(
                time: Timestamp(microseconds: request.atUs),
                lookback: view.lookback,
                asKnown: false
            ) : nil
        let rows = try services.offline.history(of: view, key: key, through: through, at: moment)
        let table = HistoryTable.batch(rows, of: view, withVerdicts: moment != nil)
        var stream = HistoryStream(call, table.schema)
        try stream.send(table)
        return try stream.answer()
    }

    func export(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireExportRequest.self, from: call.control)
        let head = try CallHead(request.head)
        let view = try services.catalog.snapshot.project(head.project).view(request.view)
        let through = try logEntry(asOf: request.asOf, call)
        var stream = HistoryStream(call, HistoryTable.schema(of: view, withVerdicts: false))
        try services.offline.export(
            of: view,
            through: through,
            from: request.hasFromUs ? Timestamp(microseconds: request.fromUs) : nil,
            until: request.hasUntilUs ? Timestamp(microseconds: request.untilUs) : nil,
            isCancelled: { call.isEnded }
        ) { rows in
            try stream.send(HistoryTable.batch(rows, of: view, withVerdicts: false))
        }
        try call.checkEnded()
        return try stream.answer()
    }
}

/// Rows of history on their way to a client, the schema with the first of them.
struct HistoryStream {
    private let call: Call
    private let schema: Schema
    private var rows: UInt64 = 0

    init(_ call: Call, _ schema: Schema) {
        self.call = call
        self.schema = schema
    }

    mutating func send(_ table: RecordBatch) throws {
        for piece in table.pieces(maxBytes: Limits.frameBytes / 2) {
            var item = WireHistoryItem()
            if rows == 0 { item.schema = WireSchema(schema) }
            rows += UInt64(piece.rowCount)
            try call.send(control: Messages.encode(item), data: piece.buffer)
        }
    }

    func answer() throws -> Answer {
        var answer = WireHistoryResponse()
        answer.rows = rows
        answer.schema = WireSchema(schema)
        return try Answer(answer)
    }
}
