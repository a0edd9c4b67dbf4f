import Catalog
import Domain
import Releases
import Testing

/// Every rule but the metric's against a plain reading of it, in all small cases.
struct GateRuleTests {
    private let now = Timestamp(microseconds: 1_000_000)

    private func version(
        stage: Stage = .staging,
        tags: [String: String] = [:],
        artifacts: [String] = []
    ) throws -> ModelVersion {
        let digest = try #require(ContentDigest(bytes: [UInt8](repeating: 1, count: 32)))
        return ModelVersion(
            model: try RegisteredModelName("m", as: "model"),
            number: 2,
            stage: stage,
            run: .random(prefix: "run"),
            trainingSet: nil,
            service: nil,
            artifacts: artifacts.map { .init(name: $0, digest: digest, bytes: 1) },
            params: [:],
            metrics: [],
            codeRevision: "",
            description: "",
            tags: tags,
            registered: now,
            actor: "author"
        )
    }

    private func set(rows: UInt64, made: Timestamp, blanked: UInt64 = 0) throws -> TrainingSetRecord
    {
        let digest = try #require(ContentDigest(bytes: [UInt8](repeating: 1, count: 32)))
        return TrainingSetRecord(
            id: .random(prefix: "ts"),
            project: try ProjectName("p", as: "project"),
            service: try FeatureServiceReference(text: "s@1"),
            logEntry: 1,
            digest: digest,
            spineDigest: digest,
            spineArtifact: digest,
            rows: rows,
            schema: Schema(fields: []),
            eventTimeColumn: "t",
            label: "",
            made: made,
            asKnown: false,
            keepUnknown: false,
            reports: [],
            featureColumns: [],
            spineName: "",
            actor: "a",
            blankedRows: blanked
        )
    }

    private func outcome(
        _ rule: Gate.Rule,
        _ facts: GateFacts,
        to stage: Stage = .staging
    ) throws -> GateVerdict.Outcome {
        let gate = Gate(
            model: try RegisteredModelName("m", as: "model"),
            to: stage,
            rules: [rule]
        )
        let verdict = gate.evaluate(facts)
        #expect(verdict.rules.allSatisfy { !$0.reason.isEmpty && !$0.rule.isEmpty })
        return try #require(verdict.rules.first).outcome
    }

    @Test func `a training set is younger than, and has at least, in all small cases`() throws {
        for age in [-5, 0, 1, 2, 3] as [Int64] {
            for limit in [1, 2] as [Int64] {
                let made = Timestamp(microseconds: now.microseconds - age)
                let facts = GateFacts(
                    version: try version(),
                    trainingSet: try set(rows: 1, made: made),
                    now: now
                )
                let rule = Gate.TrainingSetRule(youngerThan: TimeSpan(microseconds: limit))
                #expect(
                    try outcome(.trainingSet(rule), facts) == (age < limit ? .passed : .failed),
                    "\(age) \(limit)"
                )
            }
        }
        for rows in 0...3 as ClosedRange<UInt64> {
            for blanked in 0...rows {
                for limit in [1, 2] as [UInt64] {
                    let facts = GateFacts(
                        version: try version(),
                        trainingSet: try set(rows: rows, made: now, blanked: blanked),
                        now: now
                    )
                    #expect(
                        try outcome(.trainingSet(.init(minRows: limit)), facts)
                            == (rows - blanked >= limit ? .passed : .failed)
                    )
                }
            }
        }
        let nothing = GateFacts(version: try version(), now: now)
        for rule in [
            Gate.TrainingSetRule(minRows: 1), .init(youngerThan: .seconds(1)),
            .init(isReproducible: true),
        ] {
            #expect(try outcome(.trainingSet(rule), nothing) == .cannotTell)
        }
    }

    @Test func `reproducible is what the last try came to, as far as it is told`() throws {
        for state in [nil, .complete, .incomplete, .damaged] as [ReproductionFact.State?] {
            for age in [0, 10, 11] as [Int64] {
                for within in [nil, 10] as [Int64?] {
                    for blanked in [0, 1] as [UInt64] {
                        let set = try set(rows: 5, made: now, blanked: blanked)
                        let fact = state.map {
                            ReproductionFact(
                                trainingSet: set.id,
                                state: $0,
                                logEntry: 3,
                                time: Timestamp(microseconds: now.microseconds - age)
                            )
                        }
                        let facts = GateFacts(
                            version: try version(),
                            trainingSet: set,
                            reproduction: fact,
                            now: now
                        )
                        let rule = Gate.TrainingSetRule(
                            isReproducible: true,
                            checkedWithin: within.map(TimeSpan.init(microseconds:))
                        )
                        let expected: GateVerdict.Outcome =
                            if state == nil {
                                .cannotTell
                            } else if state != .complete {
                                .failed
                            } else if let within, age > within {
                                .cannotTell
                            } else {
                                blanked > 0 ? .failed : .passed
                            }
                        #expect(
                            try outcome(.trainingSet(rule), facts) == expected,
                            "\(state as Any) \(age) \(within as Any) \(blanked)"
                        )
                    }
                }
            }
        }
    }

    @Test func `tags are there, with their value where one is asked`() throws {
        for found in [nil, "", "risk", "fraud"] as [String?] {
            for wanted in [nil, "risk", ""] as [String?] {
                let facts = GateFacts(
                    version: try version(tags: found.map { ["team": $0] } ?? [:]),
                    now: now
                )
                let passes = found != nil && (wanted == nil || wanted == found)
                #expect(
                    try outcome(.tags([.init(key: "team", value: wanted)]), facts)
                        == (passes ? .passed : .failed)
                )
            }
        }
    }

    @Test func `approvals count people with the role who are no authors`() throws {
        let people: [(name: String, roles: Set<Role>)] = [
            ("ann", [.approver]), ("ben", [.trainer]), ("author", [.approver]),
            ("eve", [.approver, .admin]),
        ]
        for mask in 0..<16 {
            let given = people.enumerated().filter { mask >> $0.offset & 1 == 1 }.map(\.element)
            let approvals = try given.map {
                Approval(
                    model: try RegisteredModelName("m", as: "model"),
                    version: 2,
                    stage: .staging,
                    actor: $0.name,
                    roles: $0.roles,
                    time: now,
                    reason: ""
                )
            }
            for (count, roles) in [
                (1, [.approver]), (2, [.approver]), (1, [.admin]), (2, [.trainer, .approver]),
            ] as [(UInt32, [Role])] {
                let facts = GateFacts(
                    version: try version(),
                    approvals: approvals,
                    authors: ["author", "runner"],
                    now: now
                )
                let counted = given.filter {
                    $0.name != "author" && !$0.roles.isDisjoint(with: roles)
                }
                #expect(
                    try outcome(.approvals(.init(count: count, roles: roles)), facts)
                        == (counted.count >= count ? .passed : .failed),
                    "\(given.map(\.name)) \(count) \(roles)"
                )
            }
        }
    }

    @Test func `soak is the time in the stage it comes from`() throws {
        for age in [nil, 0, 9, 10, 11] as [Int64?] {
            let facts = GateFacts(
                version: try version(stage: age == nil ? .none : .staging),
                inStageSince: age.map { Timestamp(microseconds: now.microseconds - $0) },
                now: now
            )
            #expect(
                try outcome(.soak(TimeSpan(microseconds: 10)), facts)
                    == (age ?? 0 >= 10 ? .passed : .failed)
            )
        }
    }

    @Test func `lineage with a gap fails and names it`() throws {
        var facts = GateFacts(version: try version(), now: now)
        #expect(try outcome(.lineage, facts) == .passed)
        facts.lineageGaps = ["it has no training set"]
        #expect(try outcome(.lineage, facts) == .failed)
    }

    /// Each row: the names, their first bytes, the kinds allowed, what comes of it, and what comes of
    /// no rule before production.
    @Test(arguments: [
        (["a.onnx"], [UInt8](), ["onnx"], GateVerdict.Outcome.passed, GateVerdict.Outcome.passed),
        (["a.onnx", "b.json"], [], ["onnx"], .failed, .passed),
        (["a.onnx", "b.json"], [], ["onnx", ".JSON"], .passed, .passed),
        (["a.pkl"], [], ["onnx"], .failed, .failed),
        (["a.PT"], [], ["pickle"], .passed, .failed),
        (["a.joblib"], [], ["pkl"], .passed, .failed),
        (["a.onnx"], [0x80, 4, 1], ["onnx"], .failed, .failed),
        (["a"], [], ["onnx"], .cannotTell, .passed),
        (["a"], [0x80, 5], ["onnx"], .failed, .failed),
        ([".pkl"], [], ["onnx"], .cannotTell, .passed),
    ])
    func `artifacts are of the kinds allowed`(
        names: [String],
        bytes: [UInt8],
        allowed: [String],
        expected: GateVerdict.Outcome,
        byDefault: GateVerdict.Outcome
    ) throws {
        var kinds: [String: ArtifactKind?] = [:]
        for name in names {
            kinds[name] = .some(ArtifactKind.of(name: name, firstBytes: bytes))
        }
        let facts = GateFacts(version: try version(artifacts: names), kinds: kinds, now: now)
        #expect(try outcome(.artifacts(allowed.compactMap(ArtifactKind.init)), facts) == expected)
        let gate = Gate(
            model: try RegisteredModelName("m", as: "model"),
            to: .production,
            from: [.staging],
            rules: []
        )
        #expect(gate.evaluate(facts).rules.last?.outcome == byDefault)
    }

    @Test func `a PyTorch archive is a pickle whatever it is called`() throws {
        var bytes: [UInt8] = [0x50, 0x4B, 3, 4] + [UInt8](repeating: 0, count: 22)
        let name = Array("archive/data.pkl".utf8)
        bytes += [UInt8(name.count), 0, 0, 0] + name
        #expect(ArtifactKind.of(name: "weights.bin", firstBytes: bytes) == .pickle)
        for length in 0..<30 {
            #expect(
                ArtifactKind.of(name: "weights.bin", firstBytes: Array(bytes.prefix(length)))?.text
                    == "bin"
            )
        }
    }

    @Test func `a signature fits where callers can go on as they do`() throws {
        let fixture = try Fixture()
        try fixture.apply(
            """
            services:
              - {name: same, features: [other:*]}
              - {name: more, features: [history:*], request: {amount: float64}}
              - {name: wide, features: [history:*], request: {amount: int64}}
            """
        )
        let project = try #require(fixture.catalog.snapshot.projects.values.first)
        func service(_ name: String) throws -> FeatureService {
            try project.service(try FeatureServiceReference(text: name))
        }
        let expected: [(String?, String?, GateVerdict.Outcome)] = [
            ("credit", "credit", .passed), ("same", "credit", .passed),
            ("more", "credit", .failed), ("credit", "more", .failed), ("wide", "more", .failed),
            (nil, "credit", .cannotTell), ("credit", nil, .cannotTell),
        ]
        for (candidate, holder, outcome) in expected {
            let facts = GateFacts(
                version: try version(),
                holder: try version(stage: .production),
                service: try candidate.map(service),
                holderService: try holder.map(service),
                now: now
            )
            #expect(
                try self.outcome(.signature, facts) == outcome,
                "\(candidate as Any) \(holder as Any)"
            )
        }
        #expect(try outcome(.signature, GateFacts(version: try version(), now: now)) == .passed)
    }
}
