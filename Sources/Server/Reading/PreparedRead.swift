import Codec
import Domain
import NIOCore
import Online
import Served
import Wire

/// A kind of read worked out once: clients send the same control message, to the byte, with every read
/// of the same service.
final class PreparedRead {
    let plan: ReadPlan
    let schema: Schema
    /// Where the catalog and the registry stood.
    let catalogRevision: UInt64
    /// Nil for a read by service.
    let modelsRevision: UInt64?
    /// How what is served is kept; nil where it is not asked for.
    let served: ServedShape?
    /// The first fields of every answer: all but the number of rows.
    let answerHead: [UInt8]
    /// Likewise for answers behind the first of a stream, without schema and parts.
    let shortAnswerHead: [UInt8]
    private let keyColumns: [FeatureService.KeyColumn]
    /// For each of them, its number in the batch that comes.
    private let keys: [Int]
    private let requestFields: [Int]

    init(
        _ request: WireReadRequest,
        _ entry: PlanCache.Entry,
        modelVersion: UInt32?,
        modelsRevision: UInt64?,
        catalogRevision: UInt64,
        served: ServedShape?,
        isShared: Bool = false,
        others: [FeaturePlan] = []
    ) throws(AlulaError) {
        let plan = entry.plan
        schema = try Schema(wire: request.schema)
        self.plan = ReadPlan(plan)
        self.catalogRevision = catalogRevision
        self.modelsRevision = modelsRevision
        self.served = served
        let shape = try ReadShape(schema, plan: plan, others: others)
        keyColumns = plan.keyColumns
        keys = shape.keys
        requestFields = shape.requestFields

        var message = WireReadResponse()
        message.plan = entry.id
        message.service = plan.service.description
        message.modelVersion = modelVersion ?? 0
        message.shared = isShared
        shortAnswerHead = Array(try Messages.encode(message).readableBytesView)
        if request.knownPlan != entry.id {
            message.schema = WireSchema(plan.schema)
            message.parts = plan.views.map(WireViewPart.init)
        }
        answerHead = Array(try Messages.encode(message).readableBytesView)
    }

    /// Takes a batch apart; throws where a key is null or a column cannot be widened.
    func input(
        _ bytes: UnsafeRawBufferPointer
    ) throws(AlulaError) -> (keys: [Column], carried: [Column], rows: Int) {
        let batch = try unsafe BatchCodec.decode(bytes, schema: schema, maxRows: Limits.readKeys)
        var columns: [Column] = []
        columns.reserveCapacity(keys.count)
        for (number, place) in keys.enumerated() {
            let key = keyColumns[number]
            let column = batch.columns[place]
            let isReady = column.type == key.type.valueType && column.validity.isEmpty
            columns.append(
                isReady ? column : try KeyColumns.cast(column, to: key.type, named: key.name.text)
            )
        }
        var carried: [Column] = []
        for (number, place) in requestFields.enumerated() {
            let field = plan.plan.requestFields[number]
            guard let widened = batch.columns[place].widened(to: field.type) else {
                throw .invalid(
                    "request field \"\(field.name)\" is \(batch.columns[place].type): "
                        + "expected \(field.type)"
                )
            }
            carried.append(widened)
        }
        return (columns, carried, batch.rowCount)
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
