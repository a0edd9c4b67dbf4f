import Catalog
import Domain
import Testing

private let base = "entities: [{name: e, keys: {k: int64}}]\n"

/// What line 6 says of retention, and the mistakes.
private let mistakes: [(retention: String, expected: [String])] = [
    ("{age: 0d}", [#"d.yaml:6: retention age: "0d" is not a duration: expected a number greater"#]),
    ("{age: -5d}", [#"d.yaml:6: retention age: "-5d" is not a duration"#]),
    ("{age: none}", [#"d.yaml:6: retention age: "none" is not a duration"#]),
    ("{age: 365}", [#"d.yaml:6: retention age: "365" is not a duration"#]),
    ("{age: [1d]}", ["d.yaml:6: retention age: expected a text, found a list"]),
    (
        "{rows_per_key: 0}",
        ["d.yaml:6: retention rows_per_key: expected a whole number from 1 to 4294967295, found"]
    ),
    ("{rows_per_key: -1}", [#"d.yaml:6: retention rows_per_key: expected a whole number from 1"#]),
    ("{rows_per_key: 1.5}", [#"d.yaml:6: retention rows_per_key: expected a whole number"#]),
    ("{rows_per_key: 4294967296}", [#"d.yaml:6: retention rows_per_key: expected a whole"#]),
    ("{rows_per_key: }", ["d.yaml:6: retention rows_per_key: expected a text, found nothing"]),
    ("{}", ["d.yaml:6: retention: expected {age: 365d}, {rows_per_key: 100} or both; none keeps"]),
    ("365d", ["d.yaml:6: retention: expected a mapping, found a single value"]),
    ("[1]", ["d.yaml:6: retention: expected a mapping, found a list"]),
    (
        "\n      age: 365d\n      row_per_key: 3",
        [#"d.yaml:8: unknown key "row_per_key" in retention: did you mean "rows_per_key"?"#]
    ),
    (
        "\n      age: soon\n      rows_per_key: many",
        [
            #"d.yaml:7: retention age: "soon" is not a duration"#,
            #"d.yaml:8: retention rows_per_key: expected a whole number"#,
        ]
    ),
    (
        "{age: 29d}",
        [#"d.yaml:6: view "v": a retention age of 29d is shorter than its look-back of 30d: rows"#]
    ),
]

struct RetentionTests {
    let fixture: Fixture

    init() throws { fixture = try Fixture() }

    private func yaml(_ options: String) -> String {
        base + "views: [{name: v, entity: e, features: {a: int64}\(options)}]\n"
    }

    private func retention() throws -> RetentionRule? { try fixture.project().view("v").retention }

    @Test(arguments: mistakes)
    func `a retention that cannot be is told with its line`(
        retention: String,
        expected: [String]
    ) throws {
        let text = """
            project: p
            \(base)views:
              - name: v
                entity: e
                retention: \(retention)
                features: {a: int64}
                lookback: 30d
            """
        let found = try fixture.mistakes(text)
        #expect(found.count == expected.count, "\(found)")
        for (line, start) in zip(found, expected) { #expect(line.hasPrefix(start), "\(line)") }
    }

    @Test func `a rule is kept, changed, left as it is and taken away`() throws {
        let steps: [(options: String, kept: RetentionRule?, lines: [String]?)] = [
            (
                ", retention: {age: 365d, rows_per_key: 100}",
                RetentionRule(age: TimeSpan(text: "365d"), rowsPerKey: 100),
                ["entity e", "feature a: int64", "retention {age: 365d, rows_per_key: 100}"]
            ),
            ("", RetentionRule(age: TimeSpan(text: "365d"), rowsPerKey: 100), nil),
            (
                ", retention: {rows_per_key: 7}", RetentionRule(rowsPerKey: 7),
                ["retention {age: 365d, rows_per_key: 100} to {rows_per_key: 7}"]
            ),
            (
                ", retention: {age: 1d12h}", RetentionRule(age: TimeSpan(text: "36h")),
                ["retention {rows_per_key: 7} to {age: 1d12h}"]
            ), (", retention: {age: 36h}", RetentionRule(age: TimeSpan(text: "36h")), nil),
            (", retention: none", nil, ["retention {age: 1d12h} to none"]),
            (
                ", retention: {rows_per_key: 4294967295}", RetentionRule(rowsPerKey: 4_294_967_295),
                ["retention none to {rows_per_key: 4294967295}"]
            ),
        ]
        for (options, kept, lines) in steps {
            let changes = try fixture.apply("project: p\n" + yaml(options))
            let told = changes.changes.filter { $0.kind == .view }.map(\.lines)
            #expect(told == lines.map { [$0] } ?? [], "\(options)")
            #expect(try retention() == kept, "\(options)")
            #expect(
                try CatalogStore(pool: fixture.pool).snapshot.project("").view("v").retention
                    == kept
            )
        }
    }

    @Test func `a look-back or max age does not outgrow the retention that is there`() throws {
        try fixture.apply("project: p\n" + yaml(", ttl: 30d, retention: {age: 30d}"))
        let found = try fixture.mistakes(yaml(", ttl: 31d"))
        #expect(
            found == [
                "d.yaml:2: view \"v\": a retention age of 30d is shorter than its look-back of 31d "
                    + "and its max age of 31d: rows would be gone that are still looked for"
            ]
        )
        try fixture.apply(yaml(", ttl: 31d, retention: {age: 31d}"))
        try fixture.apply(yaml(", ttl: 1d, retention: {age: 1d}"))
        #expect(try retention()?.age == TimeSpan(text: "1d"))
    }

    /// Each row: spans of the published version that is live, the new rule, and why it is
    /// refused.
    @Test(
        arguments: [
            (", ttl: 30d", "{age: 30d}", nil),
            (", ttl: 30d", "{age: 29d}", "a look-back of 30d and a max age of 30d"),
            (", ttl: 30d", "{rows_per_key: 1}", nil),
            (", lookback: 2d, max_age: 30d", "{age: 29d}", "a max age of 30d"),
            (", lookback: 30d, max_age: 2d", "{age: 29d}", "a look-back of 30d"),
            (", lookback: 2d", "{age: 29d}", "an unbounded max age"),
            ("", "{age: 400d}", "an unbounded look-back and an unbounded max age"),
            ("", "{rows_per_key: 1}", nil),
        ] as [(String, String, String?)]
    )
    func `what a live version looks back to is not taken`(
        spans: String,
        after: String,
        reason: String?
    ) throws {
        try fixture.apply(
            "project: p\n" + yaml(spans) + "services: [{name: s, features: ['v:*']}]\n"
        )
        // The view itself looks back less by now.
        try fixture.apply(yaml(", ttl: 1d"))
        let live = [
            Dependent(title: "m version 3 (production)", service: try .init(text: "s@1")),
            Dependent(title: "other version 1 (staging)", service: try .init(text: "gone@1")),
        ]
        let changes = try fixture.apply(yaml(", retention: \(after)"), dependents: live)
        let text = reason.map {
            "d.yaml:2: view \"v\": a retention age of \(after.dropFirst(6).dropLast()) would take rows "
                + "that m version 3 (production) reads through s@1, which has \($0)"
        }
        #expect(changes.breaks == (text.map { [$0] } ?? []))
        #expect(try (retention() == nil) == (reason != nil))
        #expect(try fixture.apply(yaml(", retention: \(after)")).breaks == [], "nothing is live")
        guard reason != nil else { return }
        let longer = try fixture.apply(yaml(", retention: {age: 500d}"), dependents: live)
        #expect(longer.breaks.isEmpty, "a longer age takes less than the present one")
    }

    @Test func `live versions are named beside the mistake of a view itself`() throws {
        try fixture.apply(
            "project: p\n" + yaml(", ttl: 30d") + "services: [{name: s, features: ['v:*']}]\n"
        )
        let error = #expect(throws: AlulaError.self) {
            try fixture.apply(
                yaml(", retention: {age: 1d}"),
                dependents: [Dependent(title: "m version 3", service: try .init(text: "s@1"))]
            )
        }
        #expect(error?.details.count == 2)
        #expect(error?.details.last?.contains("m version 3 reads through s@1") == true)
    }
}
