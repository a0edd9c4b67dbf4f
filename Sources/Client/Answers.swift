public import Domain
import FoundationEssentials
package import NIOCore
package import Wire

/// What became of pushed rows.
public struct PushOutcome: Sendable, Equatable {
    /// The log entry that holds the rows taken; nil where none was.
    public var logEntry: UInt64?
    /// One for each row.
    public var statuses: [PushStatus]
    /// Of at most a hundred rows refused: which, and why.
    public var problems: [Problem]

    public struct Problem: Sendable, Equatable {
        /// From 0.
        public var row: Int
        public var reason: String
    }

    package init(wire: WirePushResponse) throws(AlulaError) {
        logEntry = wire.logEntry == 0 ? nil : wire.logEntry
        var statuses: [PushStatus] = []
        for code in wire.statuses {
            guard let status = PushStatus(rawValue: code) else {
                throw AlulaError(
                    .internal,
                    "the server's answer has an unknown push status \(code)"
                )
            }
            statuses.append(status)
        }
        self.statuses = statuses
        problems = wire.problems.map { Problem(row: Int($0.row), reason: $0.reason) }
    }
}

/// The vectors of some entities, with what is known of every value.
public struct FeatureVectors: Sendable, Equatable {
    /// One view of the service, in one role.
    public struct Part: Sendable, Equatable {
        /// The role, or the view's name.
        public var label: String
        public var view: String
        /// Which columns of the vector it fills.
        public var columns: Range<Int>
        public var maxAge: TimeSpan?
        /// For each row, when its values were so; nil where there is no row.
        public var eventTimes: [Timestamp?]
        /// For each row: present, not found or expired.
        public var statuses: [FeatureStatus]
    }

    /// The version that answered: `credit@2`.
    public var service: String
    /// One row for each entity: the features in their order, then the request fields.
    public var batch: RecordBatch
    public var parts: [Part]

    /// What is known of one value.
    ///
    /// Request fields are present or null.
    public func status(row: Int, column: Int) -> FeatureStatus {
        let part = parts.first { $0.columns.contains(column) }
        let status = part?.statuses[row] ?? .present
        return status == .present && !batch.columns[column].isValid(row) ? .null : status
    }

    /// When a value was so; nil for request fields and where there is no row.
    public func eventTime(row: Int, column: Int) -> Timestamp? {
        parts.first { $0.columns.contains(column) }?.eventTimes[row]
    }
}

/// What a plan looks like, kept so that later answers leave it out.
package struct CachedPlan: Sendable {
    package var id: UInt64
    package var schema: Schema
    package var parts: [WireViewPart]
}

extension CachedPlan {
    /// Of an answer that has it.
    init(_ answer: WireReadResponse) throws(AlulaError) {
        self.init(
            id: answer.plan,
            schema: try Schema(wire: answer.schema),
            parts: answer.parts
        )
    }
}

extension FeatureVectors {
    /// Reads an answer: the batch, then event times and statuses for each part.
    init(_ answer: WireReadResponse, _ data: ByteBuffer, plan: CachedPlan) throws(AlulaError) {
        let bytes = Array(data.readableBytesView)
        let (batch, size) = try Batches.decodePrefix(bytes, schema: plan.schema)
        let rows = batch.rowCount
        var rest = TimesAndStatuses(bytes: bytes, position: size)
        var parts: [Part] = []
        var column = 0
        for part in plan.parts {
            let columns = column..<column + Int(part.columns)
            column = columns.upperBound
            guard column <= batch.columns.count else {
                throw AlulaError(
                    .internal,
                    "the server's answer has parts of more columns than there are"
                )
            }
            let times = try rest.times(rows)
            let statuses = try rest.statuses(rows)
            parts.append(
                Part(
                    label: part.label,
                    view: part.view,
                    columns: columns,
                    maxAge: part.maxAgeUs == 0 ? nil : TimeSpan(microseconds: part.maxAgeUs),
                    eventTimes: zip(times, statuses).map { time, status in
                        status == .notFound || time == 0 && status != .present
                            ? nil : Timestamp(microseconds: time)
                    },
                    statuses: statuses
                )
            )
        }
        self.init(service: answer.service, batch: batch, parts: parts)
    }
}

/// An answer to a read as it arrives: whole, or in items and a response that ends them.
package struct ReadAnswer {
    package private(set) var plan: CachedPlan?
    private var pieces: [FeatureVectors] = []

    package init(plan: CachedPlan?) { self.plan = plan }

    package mutating func take(_ answer: WireReadResponse, _ data: ByteBuffer) throws(AlulaError) {
        if answer.hasSchema { plan = try CachedPlan(answer) }
        guard let plan, plan.id == answer.plan else {
            throw AlulaError(.internal, "the server's answer leaves out a plan that was not known")
        }
        pieces.append(try FeatureVectors(answer, data, plan: plan))
    }

    package mutating func finish(
        _ answer: WireReadResponse,
        _ data: ByteBuffer
    ) throws(AlulaError) -> FeatureVectors {
        if pieces.isEmpty || data.readableBytes > 0 { try take(answer, data) }
        let whole = FeatureVectors(joining: pieces)
        guard whole.batch.rowCount == Int(answer.rows) else {
            throw AlulaError(
                .internal,
                "the server's answer has \(whole.batch.rowCount) rows of \(answer.rows)"
            )
        }
        return whole
    }
}

extension FeatureVectors {
    /// The rows of all pieces, of which there is at least one, in their order.
    init(joining pieces: [FeatureVectors]) {
        self = pieces[0]
        guard pieces.count > 1 else { return }
        let rows = pieces.reduce(0) { $0 + $1.batch.rowCount }
        let columns = batch.schema.fields.enumerated().map { index, field in
            var builder = ColumnBuilder(field.type, reservingRows: rows)
            for piece in pieces {
                for row in 0..<piece.batch.rowCount {
                    builder.append(row: row, of: piece.batch.columns[index])
                }
            }
            return builder.finish()
        }
        batch = RecordBatch(schema: batch.schema, columns: columns, rowCount: rows)
        for index in parts.indices {
            parts[index].eventTimes = pieces.flatMap { $0.parts[index].eventTimes }
            parts[index].statuses = pieces.flatMap { $0.parts[index].statuses }
        }
    }
}

/// Walks what stands behind the batch of an answer.
private struct TimesAndStatuses {
    let bytes: [UInt8]
    var position: Int

    mutating func times(_ rows: Int) throws(AlulaError) -> [Int64] {
        let raw = try take(8 * rows)
        return (0..<rows).map { row in
            let bits = (0..<8).reversed().reduce(UInt64(0)) { bits, byte in
                bits << 8 | UInt64(raw[raw.startIndex + 8 * row + byte])
            }
            return Int64(bitPattern: bits)
        }
    }

    mutating func statuses(_ rows: Int) throws(AlulaError) -> [FeatureStatus] {
        let raw = try take(rows)
        position = (position + 7) & ~7
        var statuses: [FeatureStatus] = []
        for code in raw {
            guard let status = FeatureStatus(rawValue: code) else {
                throw AlulaError(.internal, "the server's answer has an unknown status \(code)")
            }
            statuses.append(status)
        }
        return statuses
    }

    private mutating func take(_ count: Int) throws(AlulaError) -> ArraySlice<UInt8> {
        guard position <= bytes.count, count <= bytes.count - position else {
            throw AlulaError(.internal, "the server's answer is cut short")
        }
        defer { position += count }
        return bytes[position..<position + count]
    }
}
