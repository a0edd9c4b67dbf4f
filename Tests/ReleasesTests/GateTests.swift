import Domain
import Releases
import Testing

private func version(
    _ auc: Double?,
    _ number: UInt32 = 2,
    stage: Stage = .staging
) throws -> ModelVersion {
    let metrics = try auc.map {
        Metric(
            name: try MetricName("auc", as: "metric"),
            value: $0,
            step: 0,
            time: Timestamp(microseconds: 0)
        )
    }
    return ModelVersion(
        model: try RegisteredModelName("m", as: "model"),
        number: number,
        stage: stage,
        run: .random(prefix: "run"),
        trainingSet: nil,
        service: nil,
        artifacts: [],
        params: [:],
        metrics: metrics.map { [$0] } ?? [],
        codeRevision: "",
        description: "",
        tags: [:],
        registered: Timestamp(microseconds: 0),
        actor: ""
    )
}

private func facts(_ version: ModelVersion, holder: ModelVersion?) -> GateFacts {
    GateFacts(version: version, holder: holder, now: Timestamp(microseconds: 0))
}

private func gate(_ rule: Gate.MetricRule, from: [Stage] = []) throws -> Gate {
    Gate(
        model: try RegisteredModelName("m", as: "model"),
        to: .staging,
        from: from,
        rules: [.metric(rule)]
    )
}

struct GateTests {
    private enum Held: CaseIterable {
        case nobody, nothing, low, middle, high, notANumber, infinite

        var value: Double?? {
            switch self {
            case .nobody: .none
            case .nothing: .some(nil)
            case .low: 0.25
            case .middle: 0.5
            case .high: 0.75
            case .notANumber: .nan
            case .infinite: .infinity
            }
        }
    }

    /// What each thing the rule asks should come to, said as plainly as possible.
    private func naive(
        _ value: Double?,
        _ held: Double??,
        _ rule: Gate.MetricRule
    ) -> [GateVerdict.Outcome] {
        var outcomes: [GateVerdict.Outcome] = []
        let number = value ?? .nan
        let isKnown = number.isFinite
        if let min = rule.min {
            outcomes.append(!isKnown ? .cannotTell : number < min ? .failed : .passed)
        }
        if let max = rule.max {
            outcomes.append(!isKnown ? .cannotTell : number > max ? .failed : .passed)
        }
        if let margin = rule.noWorseThanHolderBy {
            switch held {
            case .none: outcomes.append(.passed)
            case .some(.none): outcomes.append(.cannotTell)
            case .some(.some(let held)):
                if !held.isFinite || !isKnown {
                    outcomes.append(.cannotTell)
                } else if rule.better == .higher {
                    outcomes.append(number >= held - margin ? .passed : .failed)
                } else {
                    outcomes.append(number <= held + margin ? .passed : .failed)
                }
            }
        }
        return outcomes
    }

    @Test func `every rule agrees with a plain reading of it`() throws {
        let metric = try MetricName("auc", as: "metric")
        var cases = 0
        for value in [nil, .nan, 0.25, 0.5, 0.75, 1, -.infinity, .infinity] as [Double?] {
            for held in Held.allCases {
                for min in [nil, 0.5] as [Double?] {
                    for max in [nil, 0.5, 0.75] as [Double?] {
                        for margin in [nil, 0, 0.25] as [Double?] {
                            for better in [Gate.MetricRule.Direction.higher, .lower] {
                                let rule = Gate.MetricRule(
                                    metric: metric,
                                    better: better,
                                    min: min,
                                    max: max,
                                    noWorseThanHolderBy: margin
                                )
                                let holder = try held.value.map { try version($0, 1) }
                                let verdict = try gate(rule).evaluate(
                                    facts(try version(value), holder: holder)
                                )
                                let expected = naive(value, held.value, rule)
                                #expect(
                                    verdict.rules.map(\.outcome) == expected,
                                    "\(value as Any) \(held) \(rule)"
                                )
                                #expect(verdict.passed == expected.allSatisfy { $0 == .passed })
                                cases += 1
                            }
                        }
                    }
                }
            }
        }
        #expect(cases == 8 * 7 * 2 * 3 * 3 * 2)
    }

    /// Each row: the holder's value, the version's, the margin, and whether it passes.
    @Test(arguments: [
        (0.72, 0.71, 0.01, true), (0.72, 0.7099, 0.01, false), (0.3, 0.2, 0.1, true),
        (0.9, 0.9, 0, true),
        (0.9, 0.899_999, 0, false),
    ])
    func `rounding of decimals does not decide`(
        held: Double,
        value: Double,
        margin: Double,
        passes: Bool
    ) throws {
        let rule = Gate.MetricRule(
            metric: try MetricName("auc", as: "metric"),
            better: .higher,
            noWorseThanHolderBy: margin
        )
        let verdict = try gate(rule).evaluate(
            facts(try version(value), holder: try version(held, 1))
        )
        #expect(verdict.passed == passes)
    }

    @Test(arguments: Stage.common)
    func `a version comes from one of the stages that the gate names`(stage: Stage) throws {
        let rule = Gate.MetricRule(
            metric: try MetricName("auc", as: "metric"),
            better: .higher,
            min: 0
        )
        let verdict = try gate(rule, from: [.staging, .archived])
            .evaluate(facts(try version(1, stage: stage), holder: nil))
        #expect(verdict.passed == (stage == .staging || stage == .archived))
        #expect(verdict.rules[0].rule == "comes from staging or archived")
        #expect(verdict.rules[0].reason == "it is in stage \(stage.text)")
    }

    @Test func `a verdict says the figures`() throws {
        let rule = Gate.MetricRule(
            metric: try MetricName("auc", as: "metric"),
            better: .higher,
            min: 0.7,
            max: 0.9,
            noWorseThanHolderBy: 0.01
        )
        let verdict = try gate(rule).evaluate(
            facts(try version(0.6), holder: try version(0.8, 1))
        )
        #expect(
            verdict.rules.map { "\($0.rule): \($0.outcome.rawValue), \($0.reason)" } == [
                "auc at least 0.7: failed, 0.6 is below 0.7", "auc at most 0.9: passed, 0.6",
                "auc no worse than the holder's by more than 0.01 (higher is better): failed, 0.6, the "
                    + "holder (version 1) has 0.8",
            ]
        )
        let alone = try gate(rule).evaluate(facts(try version(nil), holder: nil))
        #expect(
            alone.rules.map(\.reason) == [
                "the version has no finite number for metric auc",
                "the version has no finite number for metric auc",
                "there is no holder to compare with",
            ]
        )
    }
}
