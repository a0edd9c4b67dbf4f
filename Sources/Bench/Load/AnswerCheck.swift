package import Client
import Domain
import NIOCore
import Wire

/// What an answer that is decoded must be.
package enum AnswerCheck: Sendable {
    /// A read of so many entities, after this plan.
    case read(CachedPlan, entities: Int)
    /// A push of so many rows.
    case push(rows: Int)
    /// Any bytes.
    case none
}

/// How many values of the answers decoded had which status.
package struct StatusCounts: Sendable, Equatable {
    package var answers: UInt64 = 0
    /// By the status's name, in the order of the statuses.
    package var counts: [String: UInt64] = [:]

    mutating func add(_ name: String, _ count: Int) {
        if count > 0 { counts[name, default: 0] += UInt64(count) }
    }

    mutating func add(_ other: StatusCounts) {
        answers += other.answers
        counts.merge(other.counts, uniquingKeysWith: +)
    }
}

/// Decodes one answer at a time, frame by frame.
struct AnswerDecoder {
    let check: AnswerCheck
    private(set) var counts = StatusCounts()
    private var read: ReadAnswer?

    init(_ check: AnswerCheck) { self.check = check }

    mutating func takeItem(
        _ control: ArraySlice<UInt8>,
        _ data: ArraySlice<UInt8>
    ) throws(AlulaError) {
        guard case .read(let plan, _) = check else {
            throw AlulaError(.internal, "the server answers with items where none are expected")
        }
        var pieces = read ?? ReadAnswer(plan: plan)
        try pieces.take(
            try Messages.decode(WireReadResponse.self, from: ByteBuffer(bytes: control)),
            ByteBuffer(bytes: data)
        )
        read = pieces
    }

    mutating func takeResponse(
        _ control: ArraySlice<UInt8>,
        _ data: ArraySlice<UInt8>
    ) throws(AlulaError) {
        let control = ByteBuffer(bytes: control)
        switch check {
        case .none: break
        case .push(let rows):
            let answer = try Messages.decode(WirePushResponse.self, from: control)
            let outcome = try PushOutcome(wire: answer)
            guard outcome.statuses.count == rows else {
                throw AlulaError(
                    .internal,
                    "the answer to a push of \(rows) rows has \(outcome.statuses.count) statuses"
                )
            }
            for status in outcome.statuses { counts.add(status.name, 1) }
        case .read(let plan, let entities):
            var pieces = read ?? ReadAnswer(plan: plan)
            read = nil
            let answer = try Messages.decode(WireReadResponse.self, from: control)
            let vectors = try pieces.finish(answer, ByteBuffer(bytes: data))
            guard vectors.batch.rowCount == entities else {
                throw AlulaError(
                    .internal,
                    "the answer to a read of \(entities) entities has \(vectors.batch.rowCount) rows"
                )
            }
            count(vectors)
        }
        counts.answers += 1
    }

    mutating func drop() { read = nil }

    private mutating func count(_ vectors: FeatureVectors) {
        for part in vectors.parts {
            let columns = vectors.batch.columns[part.columns]
            var present = 0
            for status in part.statuses {
                if status == .present {
                    present += 1
                } else {
                    counts.add(status.name, columns.count)
                }
            }
            let absent = part.statuses.count - present
            let nulls = columns.reduce(0) { $0 + $1.nullCount - absent }
            counts.add(FeatureStatus.null.name, nulls)
            counts.add(FeatureStatus.present.name, present * columns.count - nulls)
        }
    }
}
