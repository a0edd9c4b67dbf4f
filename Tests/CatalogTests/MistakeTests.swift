import Domain
import Testing

private let base = "entities: [{name: e, keys: {k: int64}}]\n"
private let view = base + "views: [{name: v, entity: e, features: {a: int64, b: string}}]\n"

/// A file and the mistakes it has, line and all.
///
/// `base` is line 1, `view` is lines 1 and 2.
private let mistakes: [(yaml: String, expected: [String])] = [
    (
        "",
        [
            "d.yaml:1: the file is empty: expected entities, views, services, stages, gates, monitors or rollouts"
        ]
    ),
    (
        "# nothing\n",
        [
            "d.yaml:1: the file is empty: expected entities, views, services, stages, gates, monitors or rollouts"
        ]
    ),
    ("- a\n", ["d.yaml:1: a definitions file: expected a mapping, found a list"]),
    ("just text", ["d.yaml:1: a definitions file: expected a mapping, found a single value"]),
    ("views:\n  - {name: v\n", ["d.yaml:3: not valid YAML"]),
    (
        "entites: []\n",
        [#"d.yaml:1: unknown key "entites" in a definitions file: did you mean "entities"?"#]
    ),
    ("entities: {a: 1}\n", ["d.yaml:1: entities: expected a list, found a mapping"]),
    ("entities:\n  - {name: e}\n", ["d.yaml:2: an entity needs a keys"]),
    ("entities:\n  - {keys: {k: int64}}\n", ["d.yaml:2: an entity needs a name"]),
    ("entities:\n  - {name: e, keys: {}}\n", ["d.yaml:2: an entity needs at least one join key"]),
    (
        "entities:\n  - {name: e, keys: {k: float64}}\n",
        [#"d.yaml:2: a join key cannot be "float64""#]
    ),
    (
        "entities:\n  - {name: a b, keys: {k: int64}}\n",
        [#"d.yaml:2: entity name "a b" is not valid"#]
    ),
    (
        "entities:\n  - {name: e, name: f, keys: {k: int64}}\n",
        [#"d.yaml:2: "name" stands more than once"#]
    ),
    (
        base + "views:\n  - {name: v, entity: nobody, features: {a: flot64}}\n"
            + "  - {name: v, entity: e, features: {a: int64}}\n",
        [
            #"d.yaml:3: feature a: unknown type "flot64": did you mean "float64"?"#,
            #"d.yaml:3: view "v": there is no entity "nobody""#,
            #"d.yaml:4: view "v" is defined twice: first at d.yaml:3"#,
        ]
    ),
    (base + "entities: []\n", [#"d.yaml:1: "entities" stands more than once"#]),
    (
        "entities:\n  - {name: e, keys: {k: int64}}\n  - {name: e, keys: {k: int64}}\n",
        [#"d.yaml:3: entity "e" is defined twice: first at d.yaml:2"#]
    ),
    (
        base + "views: [{name: v, entity: f, features: {a: int64}}]\n",
        [#"d.yaml:2: view "v": there is no entity "f""#]
    ),
    (
        base + "views: [{name: v, entity: e, features: {}}]\n",
        ["d.yaml:2: a view needs at least one feature"]
    ),
    (
        base + "views: [{name: v, entity: e, features: }]\n",
        ["d.yaml:2: a view needs at least one feature"]
    ),
    (base + "views: [{name: v, entity: e}]\n", ["d.yaml:2: a view needs a features"]),
    (
        base + "views: [{name: v, entity: e, features: {a: in64}}]\n",
        [#"d.yaml:2: feature a: unknown type "in64": did you mean "int64"?"#]
    ),
    (
        base + "views: [{name: v, entity: e, features: {a: \"float32[0]\"}}]\n",
        [#"d.yaml:2: feature a: unknown type "float32[0]""#]
    ),
    (
        base + "views: [{name: v, entity: e, features: {a: [1]}}]\n",
        ["d.yaml:2: feature a: type: expected a text, found a list"]
    ),
    (
        base + "views: [{name: v, entity: e, features: {a: {typ: int64}}}]\n",
        [
            #"d.yaml:2: unknown key "typ" in feature a: did you mean "type"?"#,
            "d.yaml:2: feature a needs a type",
        ]
    ),
    (
        base + "views: [{name: v, entity: e, features: {k: int64}}]\n",
        [#"d.yaml:2: view "v": "k" is a join key of e and cannot be a feature too"#]
    ),
    (
        base + "views: [{name: v, entity: e, features: {event_time: int64}}]\n",
        [#"d.yaml:2: view "v": "event_time" is its event time column and a feature"#]
    ),
    (
        base + "views: [{name: v, entity: e, features: {created_time: int64}}]\n",
        [#"d.yaml:2: view "v": "created_time" is its created time column and a feature"#]
    ),
    (
        base
            + "views:\n- name: v\n  entity: e\n  features: {a: int64}\n  columns: {event_time: t, created_time: t}\n",
        [#"d.yaml:6: "t" cannot be both the event time and the created time"#]
    ),
    (
        base + "views: [{name: v, entity: e, features: {a: int64}, columns: {event_tim: t}}]\n",
        [#"d.yaml:2: unknown key "event_tim" in columns: did you mean "event_time"?"#]
    ),
    (
        base + "views: [{name: v, entity: e, ttl: 7 days, features: {a: int64}}]\n",
        [#"d.yaml:2: ttl: "7 days" is not a duration"#]
    ),
    (
        base + "views: [{name: v, entity: e, ttl: 0d, features: {a: int64}}]\n",
        [#"d.yaml:2: ttl: "0d" is not a duration"#]
    ),
    (
        base + "views: [{name: v, entity: e, ttl: 7d, max_age: 1d, features: {a: int64}}]\n",
        ["d.yaml:2: ttl sets look-back and max age together: give ttl or max_age"]
    ),
    (
        view + "services: [{name: s, features: []}]\n",
        ["d.yaml:3: a service needs at least one entry"]
    ),
    (
        view + "services: [{name: s, features: [w:*]}]\n",
        [#"d.yaml:3: service "s": there is no view "w""#]
    ),
    (
        view + "services: [{name: s, features: [v:aa]}]\n",
        [#"d.yaml:3: service "s": view "v" has no feature "aa": did you mean "a"?"#]
    ),
    (
        view + "services: [{name: s, features: [v]}]\n",
        [#"d.yaml:3: "v" is not a feature: expected view:feature or view:*"#]
    ),
    (
        view + "services: [{name: s, features: [v:a, 'v:*']}]\n",
        [#"d.yaml:3: service "s": "v:a" is taken twice"#]
    ),
    (
        view + "services: [{name: s, features: [v:a], request: {k: int64}}]\n",
        [#"d.yaml:3: service "s": request field "k" has the name of a key column"#]
    ),
    (
        view + "services: [{name: s, features: [{view: v, keys: {q: x}}]}]\n",
        [#"d.yaml:3: service "s": entity "e" of view "v" has no join key "q""#]
    ),
    (
        view
            + "services: [{name: s, features: [{view: v, keys: {k: x}, features: [a]}, {view: v, keys: {k: y}, features: [b]}]}]\n",
        [#"d.yaml:3: service "s": view "v" is read with different keys under one name"#]
    ),
    (
        "entities: [{name: e, keys: {k: int64}}, {name: f, keys: {k: string}}]\n"
            + "views: [{name: v, entity: e, features: {a: int64}}, {name: w, entity: f, features: {b: int64}}]\n"
            + "services: [{name: s, features: ['v:*', 'w:*']}]\n",
        [#"d.yaml:3: service "s": key column "k" is int64 for view "v" and string for "w""#]
    ),
    (
        "gates: [{model: m, to: prod, require: [{metric: auc, min: 1}]}]\n",
        [#"d.yaml:1: "prod" is not a stage of model m"#]
    ),
    (
        "gates: [{model: m, to: archived, require: [{metric: auc, min: 1}]}]\n",
        ["d.yaml:1: a gate stands before a stage with holders, not before archived"]
    ),
    (
        "gates: [{model: m, to: staging, from: [staging]}]\n",
        ["d.yaml:1: a version does not come from the stage it goes to: take staging out of from"]
    ),
    (
        "gates: [{model: m, to: staging, require: [{metric: auc}]}]\n",
        ["d.yaml:1: a rule needs min, max or no_worse_than_holder_by"]
    ),
    (
        "gates: [{model: m, to: staging, require: [{metric: auc, min: high}]}]\n",
        [#"d.yaml:1: min: expected a number, found "high""#]
    ),
    (
        "gates: [{model: m, to: staging, require: [{metric: auc, min: 2, max: 1}]}]\n",
        ["d.yaml:1: no value is at least 2.0 and at most 1.0"]
    ),
    (
        "gates: [{model: m, to: staging, require: [{metric: auc, no_worse_than_holder_by: 1}]}]\n",
        ["d.yaml:1: no_worse_than_holder_by needs better"]
    ),
    (
        "gates: [{model: m, to: staging, require: [{approvals: none}]}]\n",
        [#"d.yaml:1: approvals: expected a whole number from 1 to 100, found "none""#]
    ),
    ("gates: [{model: m, to: staging}]\n", ["d.yaml:1: a gate that asks for nothing"]),
    (
        "gates: [{model: m, to: staging, require: [{approvals: 1, by: [boss]}]}]\n",
        [#"d.yaml:1: by: "boss" is not a role"#]
    ),
    (
        "gates: [{model: m, to: staging, require: [{training_set: fresh}]}]\n",
        ["d.yaml:1: training_set: expected reproducible"]
    ),
    (
        "gates: [{model: m, to: staging, require: [{training_set: {min_rows: 0}}]}]\n",
        ["d.yaml:1: min_rows: expected a whole number from 1"]
    ),
    (
        "gates: [{model: m, to: staging, require: [{training_set: {checked_within: 1d}}]}]\n",
        ["d.yaml:1: checked_within says when reproducible was tried"]
    ),
    (
        "gates: [{model: m, to: staging, require: [{soak: long}]}]\n",
        [#"d.yaml:1: soak: expected a duration such as 30d"#]
    ),
    (
        "gates: [{model: m, to: staging, require: [{lineage: partial}]}]\n",
        [#"d.yaml:1: lineage: expected complete, found "partial""#]
    ),
    (
        "gates: [{model: m, to: staging, require: [{artifacts: []}]}]\n",
        ["d.yaml:1: artifacts: name the kinds that are allowed"]
    ),
    (
        "gates: [{model: m, to: staging, require: [{metrik: auc}]}]\n",
        [#"d.yaml:1: unknown key "metrik" in a rule: did you mean "metric"?"#]
    ),
    (
        "gates: [{model: m, to: staging, from: [canary], require: [{soak: 1d}]}]\n",
        [#"d.yaml:1: "canary" is not a stage of model m"#]
    ),
    (
        "stages: [{model: m, name: archived}]\n",
        ["d.yaml:1: stage archived is there already"]
    ),
    (
        "stages: [{model: m, name: canary, holders: 0}]\n",
        ["d.yaml:1: holders: expected a whole number from 1"]
    ),
    (
        "stages: [{model: m, name: c}, {model: m, name: c}]\n",
        [#"d.yaml:1: stage "m c" is defined twice"#]
    ),
    ("project: a b\n", [#"d.yaml:1: project name "a b" is not valid"#]),
    (
        "entities:\n  - &x {name: e, keys: {k: int64}}\n  - *x\n",
        ["d.yaml:3: anchors and aliases are not taken"]
    ),
    (
        "entities: [{name: e, keys: {k: float}}]\nviews: [{name: v, entity: e, features: {a: int64}}]\n"
            + "services: [{name: s, features: ['v:*']}]\n",
        [#"d.yaml:1: a join key cannot be "float""#]
    ),
    (
        "views:\n  - {name: v, entity: e, features: {a: in, a: int64}}\n  - {name: w, ttl: x, entity: e, features: {}}\n"
            + "services:\n  - {features: [v]}\n",
        [
            #"d.yaml:2: "a" stands more than once"#, #"d.yaml:2: view "v": there is no entity "e""#,
            "d.yaml:3: a view needs at least one feature", #"d.yaml:3: ttl: "x" is not a duration"#,
            #"d.yaml:3: view "w": there is no entity "e""#,
            "d.yaml:5: a service needs a name", #"d.yaml:5: "v" is not a feature"#,
        ]
    ),
]

struct MistakeTests {
    @Test(arguments: mistakes.indices)
    func `every mistake is named with its line and its reason`(index: Int) throws {
        let (yaml, expected) = mistakes[index]
        let found = try Fixture().mistakes(yaml, project: "p")
        #expect(
            found.count == expected.count && zip(found, expected).allSatisfy { $0.hasPrefix($1) },
            "\(yaml)\n\(found)"
        )
    }

    @Test func `mistakes of several files come in their order, and name their file`() throws {
        let found = try Fixture().mistakes(
            "project: p\nviews: [{name: v, entity: e, features: {a: int64}}]\n",
            "project: q\nviews: [{name: v, entity: f, features: {a: int64}}]\n"
        )
        #expect(
            found == [
                #"d1.yaml:2: view "v": there is no entity "e""#,
                #"d2.yaml:1: project "q", where d1.yaml:1 says "p": one apply takes one project"#,
                #"d2.yaml:2: view "v" is defined twice: first at d1.yaml:2"#,
                #"d2.yaml:2: view "v": there is no entity "f""#,
            ]
        )
    }

    @Test func `the project of the call and of the file must be one`() throws {
        let found = try Fixture().mistakes(base + "project: p\n", project: "q")
        #expect(found == [#"d.yaml:2: the file is for project "p", the call for "q""#])
    }

    @Test func `a file without a project on an empty server says what to do`() throws {
        let found = try Fixture().mistakes(base)
        #expect(found.count == 1 && found[0].hasPrefix("d.yaml:1: no project is named"))
    }

    @Test func `list types between braces need no quotes`() throws {
        let fixture = try Fixture()
        try fixture.apply(
            base
                + "views: [{name: v, entity: e, features: {a: float32[64], b: string[], c: int64[2]}}]",
            project: "p"
        )
        #expect(
            try fixture.project().view("v").features.map(\.type.description)
                == ["float32[64]", "string[]", "int64[2]"]
        )
    }

    @Test func `limits hold at the limit and one past it`() throws {
        func keys(_ count: Int) -> String {
            "entities: [{name: e, keys: {"
                + (0..<count).map { "k\($0): int64" }.joined(separator: ", ") + "}}]"
        }
        func features(_ count: Int) -> String {
            base + "views: [{name: v, entity: e, features: {"
                + (0..<count).map { "f\($0): int64" }.joined(separator: ", ") + "}}]"
        }
        func size(_ count: Int) -> String {
            base + "#" + String(repeating: "x", count: count - base.utf8.count - 1)
        }
        let cases = [
            (
                keys(Limits.keyParts), keys(Limits.keyParts + 1),
                "an entity has at most 16 join keys"
            ),
            (
                features(Limits.columns), features(Limits.columns + 1),
                "a view has at most 4096 features"
            ),
            (
                size(Limits.definitionsBytes), size(Limits.definitionsBytes + 1),
                "the file has 196609 bytes"
            ),
        ]
        for (fits, exceeds, message) in cases {
            #expect(try Fixture().mistakes(fits, project: "p") == [])
            let found = try Fixture().mistakes(exceeds, project: "p")
            #expect(found.first?.contains(message) == true, "\(found)")
        }
    }

    @Test func `deep nesting and random bytes are mistakes, not crashes`() throws {
        let fixture = try Fixture()
        for text in [
            String(repeating: "[", count: 100_000), String(repeating: "- ", count: 50_000),
            String(repeating: "{a: ", count: 30_000), "\u{0}\u{1}", "a: \u{FFFE}", "%YAML 9\n---\n",
            "a: *b",
            "? [a]\n: b", "? {a: b}\n: c", "\t- a", "'", "\"", "|", "views: !!binary x",
        ] {
            #expect(try !fixture.mistakes(text, project: "p").isEmpty, "\(text.prefix(20))")
        }
        var generator = SystemRandomNumberGenerator()
        let seed = UInt64.random(in: .min ... .max, using: &generator)
        var state = seed
        for _ in 0..<300 {
            var bytes = Array(credit.utf8)
            for _ in 0..<3 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes[Int(state >> 33) % bytes.count] =
                    UInt8(truncatingIfNeeded: state >> 20) & 0x7F
            }
            do {
                _ = try fixture.mistakes(String(decoding: bytes, as: UTF8.self), project: "credit")
            } catch {
                Issue.record("seed \(seed): \(error)")
            }
        }
    }
}
