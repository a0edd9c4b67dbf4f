import Codec
package import Domain

/// How reads of one version of a model are kept, worked out once.
package final class ServedShape: Sendable {
    /// Rows of one of them stand in the same segments.
    struct Group: Hashable, Sendable {
        var name: ServedModel.Name
        var version: UInt32
        var service: String
    }

    package let model: ServedModel
    let group: Group
    /// How the version was asked for: `production`, `@alias`, or empty for its number.
    let stage: String
    let vector: Schema
    let parts: Int
    let picker: AnswerPicks?
    let layout: ServedLayout

    package init(_ model: ServedModel, version: UInt32, stage: String, plan: FeaturePlan) {
        self.model = model
        self.stage = stage
        group = Group(name: model.name, version: version, service: plan.service.description)
        vector = plan.schema
        parts = plan.views.count
        picker = AnswerPicks(plan.schema.fields.map(\.type), parts: plan.views.count)
        layout = ServedLayout(plan)
    }

    package var version: UInt32 { group.version }
}

/// Rows of one read on their way to the log.
struct ServedItem: Sendable {
    let shape: ServedShape
    let stamp: Int64
    /// The last acknowledged log entry when it was served.
    let logEntry: UInt64
    /// Rows of the answer.
    let picks: [Int32]
    /// As they came, and the row where this answer begins.
    let keys: [Column]
    let firstKey: Int
    /// Of the picked rows only, where `isPicked`.
    let answer: [UInt8]
    let isPicked: Bool

    var byteCount: Int {
        answer.count + keys.reduce(256 + 4 * picks.count) { $0 + $1.values.count }
    }
}
