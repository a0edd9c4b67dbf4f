import Catalog
import Codec
import Domain
import Ingest
import NIOCore
import Offline
import Online
import Wire

extension Dispatcher {
    func read(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireReadRequest.self, from: call.control)
        let head = try CallHead(request.head)
        let snapshot = services.catalog.snapshot
        let project = try snapshot.project(head.project)
        let entry = try services.plans.plan(
            try FeatureServiceReference(text: request.service),
            in: project,
            of: snapshot
        )
        let batch = try Schema(wire: request.schema).batch(from: call.data)
        let input = try ReadInput(batch, plan: entry.plan)
        let answer = try services.online.read(
            plan: entry.plan,
            keys: input.keys,
            now: services.now()
        )

        var message = WireReadResponse()
        message.plan = entry.id
        message.service = entry.plan.service.description
        message.rows = UInt32(answer.rowCount)
        if request.knownPlan != entry.id {
            message.schema = WireSchema(entry.plan.schema)
            message.parts = entry.plan.views.map(WireViewPart.init)
        }
        let vector = RecordBatch(
            schema: entry.plan.schema,
            columns: answer.columns + input.requestColumns,
            rowCount: answer.rowCount
        )
        if ReadAnswerCodec.fitsOneFrame(vector) {
            return try Answer(message, data: ReadAnswerCodec.encode(vector, answer))
        }
        // Over one frame: items of as many rows as fit, then a response that says how many there were.
        var items: [Answer.Item] = []
        var item = message
        try ReadAnswerCodec.pieces(vector, answer) { rows, data throws(AlulaError) in
            item.rows = UInt32(rows)
            items.append(
                Answer.Item(control: try Messages.encode(item), data: ByteBuffer(bytes: data))
            )
            item.clearSchema()
            item.parts = []
        }
        message.clearSchema()
        message.parts = []
        var last = try Answer(message)
        last.items = items
        return last
    }
}

extension WireViewPart {
    fileprivate init(_ part: FeaturePlan.ViewPart) {
        self.init()
        label = part.label
        view = part.view.name.text
        columns = UInt32(part.features.count)
        maxAgeUs = part.maxAge?.microseconds ?? 0
    }
}
