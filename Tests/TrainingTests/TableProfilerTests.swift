import Domain
import Statistics
import Testing

@testable import Training

struct TableProfilerTests {
    @Test func `a profile is that of the rows that are sent, in however many chunks`() throws {
        let scratch = try Scratch()
        let view = try FeatureView.test(
            features: [(1, "amount", .float64), (2, "city", .string), (3, "flag", .bool)],
            lookback: TimeSpan(microseconds: 50)
        )
        try scratch.push(
            1,
            view,
            (0..<900).map { (row: Int64) in
                let amount = row % 7 == 0 ? FeatureValue.null : .float64(Double(row) / 3)
                return (
                    row, row % 100, row % 3 == 0 ? 1_000 : 1,
                    [amount, .string("city \(row % 11)"), .bool(row % 2 == 0)]
                )
            }
        )
        let count: Int64 = 20_000
        let rows = try RecordBatch.test([
            ("id", .int64, (0..<count).map { .int64($0 % 1_000) }),
            ("when", .timestamp, (0..<count).map { .timestamp(time($0 % 170)) }),
            ("label", .int32, (0..<count).map { .int32(Int32($0 % 5)) }),
        ])
        var memory = TrainingMemory()
        memory.chunkBytes = 1
        let pieces = TrainingSets(
            offline: scratch.offline,
            artifacts: scratch.artifacts,
            memory: memory
        )
        let plan = try FeaturePlan.test([view.part()])
        let whole = try scratch.make(plan, rows, label: "label")
        let chunked = try scratch.make(plan, rows, label: "label", by: pieces)
        let profile = try #require(whole.profile)
        let pieced = try #require(chunked.profile)
        #expect(pieced.features.count == profile.features.count)
        for (one, other) in zip(pieced.features, profile.features) {
            // Sums of blocks of another size differ in their last bits.
            #expect(abs(one.moments.deviation - other.moments.deviation) < 1e-9)
            var same = one
            same.moments = other.moments
            #expect(same == other)
        }
        #expect(profile.rows == 20_000)
        // Keys and the event time have none.
        #expect(profile.features.map(\.name) == ["label", "amount", "city", "flag"])
        for feature in profile.features {
            var builder = ProfileBuilder(name: feature.name, type: feature.type)
            for batch in whole.batches {
                if let column = batch[feature.name] { builder.add(column) }
            }
            var naive = builder.finish()
            let report = try #require(whole.record.reports.first)
            if feature.name != "label" {
                (naive.expired, naive.late) = (report.expired, report.late)
                naive.notFound = report.notFound
            }
            #expect(abs(naive.moments.mean - feature.moments.mean) < 1e-9)
            naive.moments = feature.moments
            #expect(naive == feature)
            #expect(feature.nulls > 0 || feature.name == "label")
        }
        #expect(try TableProfile(decoding: profile.encoded()) == profile)
    }
}
