import Codec
package import Domain
package import Online

/// An answer to a read taken apart, a row for each key row, in their order.
package struct OnlineAnswer: Sendable, Hashable {
    package var rowCount: Int
    package var columns: [Column]
    /// For each view part of the plan, 0 where there is no row.
    package var eventTimes: [[Int64]]
    /// For each view part, the codes of `FeatureStatus`.
    package var statuses: [[UInt8]]

    package init(
        rowCount: Int,
        columns: [Column],
        eventTimes: [[Int64]],
        statuses: [[UInt8]]
    ) {
        self.rowCount = rowCount
        self.columns = columns
        self.eventTimes = eventTimes
        self.statuses = statuses
    }

    /// Reads the bytes that `AnswerEncoder` writes.
    package init(_ bytes: [UInt8], plan: FeaturePlan) throws {
        var position = 0
        let batch = try bytes.withUnsafeBytes { raw in
            try BatchCodec.decode(raw, schema: plan.schema, size: &position)
        }
        rowCount = batch.rowCount
        columns = batch.columns
        eventTimes = []
        statuses = []
        for _ in plan.views {
            eventTimes.append(
                bytes.withUnsafeBytes { raw in
                    (0..<batch.rowCount).map {
                        raw.loadUnaligned(fromByteOffset: position + 8 * $0, as: Int64.self)
                    }
                }
            )
            position += 8 * batch.rowCount
            statuses.append(Array(bytes[position..<position + batch.rowCount]))
            position += (batch.rowCount + 7) / 8 * 8
        }
    }
}

extension OnlineStore {
    /// The newest row of every view of the plan for every row of `keys`, by the names in the plan.
    package func read(
        plan: FeaturePlan,
        keys: RecordBatch,
        now: Timestamp
    ) throws -> OnlineAnswer {
        try OnlineAnswer(readBytes(plan: plan, keys: keys, now: now), plan: plan)
    }

    /// The bytes of the answer; request fields are taken from `keys`, too.
    package func readBytes(
        plan: FeaturePlan,
        keys: RecordBatch,
        now: Timestamp,
        lane: ReadLane? = nil
    ) throws -> [UInt8] {
        func column(_ name: String) throws -> Column {
            guard let column = keys[name] else {
                throw AlulaError.invalid("column \"\(name)\" is missing")
            }
            return column
        }
        let lane = lane ?? ReadLane(self)
        let readPlan = ReadPlan(plan)
        _ = try lane.find(
            readPlan,
            keys: plan.keyColumns.map { try column($0.name.text) },
            rows: 0..<keys.rowCount,
            now: now,
            tier: .disk
        )
        let carried = try plan.requestFields.map { try column($0.name.text) }
        let size = try lane.measure(readPlan, carried: carried)
        // Not zero, so that what is not written shows.
        var bytes = [UInt8](repeating: 0xA5, count: size)
        bytes.withUnsafeMutableBytes { lane.write(readPlan, into: $0) }
        return bytes
    }
}
