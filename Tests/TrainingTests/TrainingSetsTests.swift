import Domain
import Testing

@testable import Training

struct TrainingSetsTests {
    private func spine(
        _ rows: [(id: FeatureValue, when: FeatureValue, note: FeatureValue)]
    ) throws -> RecordBatch {
        try .test([
            ("note", .string, rows.map(\.note)), ("id", .int64, rows.map(\.id)),
            ("when", .timestamp, rows.map(\.when)),
        ])
    }

    @Test func `rows stay in their order with all they carry, whatever is null in them`() throws {
        let scratch = try Scratch()
        let view = try FeatureView.test(lookback: TimeSpan(microseconds: 10))
        try scratch.push(
            1,
            view,
            [(1, 10, 99, [.int64(100)]), (1, 20, 1, [.null]), (2, 5, 1, [.int64(7)])]
        )
        let rows = try spine([
            (.int64(2), .timestamp(time(15)), .string("edge")),
            (.int64(2), .timestamp(time(16)), .null),
            (.null, .timestamp(time(15)), .string("no key")),
            (.int64(1), .null, .string("no time")),
            (.int64(1), .timestamp(time(10)), .string("late")),
            (.int64(1), .timestamp(time(9)), .string("before")),
            (.int64(1), .timestamp(time(20)), .string("null wins")),
            (.int64(1), .timestamp(time(10)), .string("twice")),
        ])
        let made = try scratch.make(.test([view.part()]), rows, label: "note")
        #expect(made.values("note") == rows.values("note"))
        #expect(
            made.values("id") == rows.values("id") && made.values("when") == rows.values("when")
        )
        #expect(
            made.values("value")
                == [.int64(7), .null, .null, .null, .int64(100), .null, .null, .int64(100)]
        )
        #expect(made.batches[0].schema.fields.map(\.name) == ["note", "id", "when", "value"])
        var report = ViewReport(label: "view1", view: view.name)
        (report.matched, report.expired, report.notFound, report.nullKeys, report.late) = (
            4, 1, 1, 2, 2
        )
        (report.oldestEvent, report.newestEvent) = (time(5), time(20))
        #expect(made.record.reports == [report])
        #expect(made.record.rows == 8 && made.record.featureColumns == ["value"])
        #expect(made.record.label == "note" && made.record.schema == made.batches[0].schema)
    }

    @Test func `one view in two roles and another entity are joined by their own columns`() throws {
        let scratch = try Scratch()
        let airport = try FeatureView.test(id: 1, features: [(1, "traffic", .float64)])
        let person = try FeatureView.test(id: 2, features: [(2, "age", .int32)])
        try scratch.push(1, airport, [(1, 1, 1, [.float64(0.5)]), (2, 1, 1, [.float64(0.25)])])
        try scratch.push(2, person, [(1, 1, 1, [.int32(40)])])
        let plan = try FeaturePlan.test([
            airport.part(role: "from", keys: ["origin"]), person.part(),
            airport.part(role: "to", keys: ["target"]),
        ])
        let rows = try RecordBatch.test([
            ("origin", .int32, [.int32(1), .int32(2)]),
            ("target", .float64, [.float64(2), .float64(.nan)]),
            ("id", .int64, [.int64(1), .int64(1)]),
            ("when", .timestamp, [.timestamp(time(5)), .timestamp(time(5))]),
        ])
        let made = try scratch.make(plan, rows)
        #expect(made.values("from__traffic") == [.float64(0.5), .float64(0.25)])
        #expect(made.values("to__traffic") == [.float64(0.25), .null])
        #expect(made.values("age") == [.int32(40), .int32(40)])
        #expect(made.record.reports.map(\.nullKeys) == [0, 0, 1])
        #expect(made.record.featureColumns == ["from__traffic", "age", "to__traffic"])
    }

    @Test func `every mistake of a spine is told at once`() throws {
        let scratch = try Scratch()
        let view = try FeatureView.test(
            keys: [("id", .int64), ("name", .string)],
            features: [(1, "value", .int64)]
        )
        let plan = try FeaturePlan.test(
            [view.part()],
            request: [("amount", .float64), ("size", .int64)]
        )
        let rows = try RecordBatch.test([
            ("name", .int64, []), ("when", .string, []), ("value", .int64, []),
            ("amount", .string, []),
            ("twice", .bool, []), ("twice", .bool, []), ("sizes", .int64, []),
        ])
        let error = #expect(throws: AlulaError.self) {
            try scratch.make(plan, rows, label: "lable")
        }
        #expect(error?.code == .invalidArgument)
        #expect(
            error?.details == [
                "column \"twice\" stands twice in the spine",
                "key column \"id\" (int64) is missing",
                "key column \"name\" is int64: string is expected",
                "request field \"amount\" is string: float64 is expected",
                "request field \"size\" (int64) is missing: did you mean \"sizes\"?",
                "event time column \"when\" is string: a timestamp is expected",
                "label column \"lable\" is missing",
                "column \"value\" of the spine has the name of a feature of view1",
            ]
        )
    }

    @Test func `a float64 key that is not integral is refused with its row`() throws {
        let scratch = try Scratch()
        let view = try FeatureView.test()
        for value in [0.5, .infinity, 1e300] {
            let rows = try RecordBatch.test([
                ("id", .float64, [.float64(1), .float64(value)]),
                ("when", .timestamp, [.null, .null]),
            ])
            let error = #expect(throws: AlulaError.self) {
                try scratch.make(.test([view.part()]), rows)
            }
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.hasPrefix("row 1: key \"id\"") == true)
        }
    }

    @Test func `as of an entry hides what came later, and a set is made again from what was kept`()
        throws
    {
        let scratch = try Scratch()
        let view = try FeatureView.test()
        try scratch.push(1, view, [(1, 10, 1, [.int64(1)])])
        let rows = try spine([(.int64(1), .timestamp(time(50)), .string("x"))])
        let plan = try FeaturePlan.test([view.part()])
        let first = try scratch.make(plan, rows)
        try scratch.push(2, view, [(1, 20, 1, [.int64(2)])])
        let second = try scratch.make(plan, rows)
        #expect(first.values("value") == [.int64(1)] && second.values("value") == [.int64(2)])
        #expect(first.record.digest != second.record.digest)
        #expect(first.record.spineDigest == second.record.spineDigest)
        #expect(first.record.spineArtifact == second.record.spineArtifact)
        #expect(try scratch.make(plan, rows, through: 1).record.digest == first.record.digest)
        for made in [first, second] {
            let (digest, batches) = try scratch.remake(made.record, plan)
            #expect(digest == made.record.digest && batches == made.batches)
        }
        let ahead = #expect(throws: AlulaError.self) { try scratch.make(plan, rows, through: 3) }
        #expect(ahead?.code == .unavailable)
    }

    @Test
    func `as known hides what was created later, and refuses what is unknown unless it is kept`()
        throws
    {
        let scratch = try Scratch()
        let view = try FeatureView.test()
        try scratch.push(1, view, [(1, 10, 10, [.int64(1)]), (1, 20, 60, [.int64(2)])])
        let plan = try FeaturePlan.test([view.part()])
        let rows = try spine([
            (.int64(1), .timestamp(time(59)), .null), (.int64(1), .timestamp(time(60)), .null),
        ])
        #expect(try scratch.make(plan, rows).record.reports[0].late == 1)
        let known = try scratch.make(plan, rows, asKnown: true)
        #expect(
            known.values("value") == [.int64(1), .int64(2)] && known.record.reports[0].late == 0
        )
        try scratch.publish(2, view, [(1, 30, nil, [.int64(3)])])
        let refused = #expect(throws: AlulaError.self) {
            try scratch.make(plan, rows, asKnown: true)
        }
        #expect(
            refused?.code == .failedPrecondition && refused?.details == ["view1: 2 of 2 values"]
        )
        let kept = try scratch.make(plan, rows, asKnown: true, keepUnknown: true)
        #expect(
            kept.values("value") == [.int64(3), .int64(3)] && kept.record.reports[0].unknown == 2
        )
        #expect(try scratch.remake(kept.record, plan).0 == kept.record.digest)
    }

    @Test func `a spine of no rows makes a set of no rows, and again`() throws {
        let scratch = try Scratch()
        let plan = try FeaturePlan.test([FeatureView.test().part()])
        let made = try scratch.make(plan, try spine([]))
        #expect(made.record.rows == 0 && made.batches.isEmpty)
        #expect(try scratch.remake(made.record, plan).0 == made.record.digest)
    }

    @Test func `a cancelled set stops, and a batch of other columns is refused`() throws {
        let scratch = try Scratch()
        let plan = try FeaturePlan.test([FeatureView.test().part()])
        let rows = try spine([(.int64(1), .timestamp(time(5)), .null)])
        func request(_ schema: Schema) throws -> TrainingRequest {
            try TrainingRequest(
                id: .random(prefix: "ts"),
                plan: plan,
                project: ProjectName("p", as: "project"),
                spineSchema: schema,
                eventTimeColumn: "when",
                label: "",
                through: 0,
                asKnown: false,
                keepUnknown: false,
                spineName: "",
                actor: "",
                made: time(0)
            )
        }
        let cancelled = #expect(throws: AlulaError.self) {
            try scratch.sets.make(
                request(rows.schema),
                spine: { rows },
                emit: { _, _ in },
                isCancelled: { true }
            )
        }
        #expect(cancelled?.code == .cancelled)
        let other = Schema(fields: rows.schema.fields.reversed())
        let wrong = #expect(throws: AlulaError.self) {
            try scratch.sets.make(
                request(other),
                spine: { rows },
                emit: { _, _ in },
                isCancelled: { false }
            )
        }
        #expect(wrong?.code == .invalidArgument)
    }
}
