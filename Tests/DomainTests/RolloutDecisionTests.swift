import Domain
import Testing

struct RolloutDecisionTests {
    private let plan: RolloutPlan

    init() throws {
        plan = RolloutPlan(
            name: try RolloutPlanName("careful", as: "rollout"),
            model: nil,
            stage: .production,
            steps: [
                .init(share: try Share(text: "5%"), hold: .seconds(60)),
                .init(share: try Share(text: "25%"), hold: .seconds(60)),
                .init(share: .all, hold: .seconds(10)),
            ],
            rules: []
        )
    }

    private enum Word: String {
        case wait, forward, done, back
    }

    private func decide(
        step: Int,
        after seconds: Int64,
        _ outcomes: [RolloutFigure.Outcome]
    ) -> Word {
        let decision = RolloutDecision(
            plan,
            step: step,
            since: Timestamp(microseconds: 0),
            figures: outcomes.enumerated().map {
                RolloutFigure(rule: "rule \($0)", outcome: $1, reason: "because")
            },
            now: Timestamp(microseconds: seconds * 1_000_000)
        )
        switch decision {
        case .wait: return .wait
        case .forward(let next):
            #expect(next == step + 1)
            return .forward
        case .done: return .done
        case .back: return .back
        }
    }

    @Test func `a rollout goes on when its time has come and all rules pass`() {
        let (ok, bad, unknown) = (
            RolloutFigure.Outcome.passed, RolloutFigure.Outcome.failed,
            RolloutFigure.Outcome.cannotTell
        )
        //                step  seconds  outcomes             becomes
        let cases: [(Int, Int64, [RolloutFigure.Outcome], Word)] = [
            (0, 0, [], .wait),
            (0, 59, [ok], .wait),
            (0, 60, [ok, ok], .forward),
            (0, 60, [], .forward),
            (0, 60, [ok, unknown], .wait),
            (0, 6_000, [unknown], .wait),
            (0, 0, [bad], .back),
            (1, 0, [unknown, bad], .back),
            (1, 61, [ok], .forward),
            (2, 9, [ok], .wait),
            (2, 10, [ok], .done),
            (2, 10, [unknown], .wait),
            (2, 10, [bad, ok], .back),
        ]
        for (step, seconds, outcomes, expected) in cases {
            #expect(
                decide(step: step, after: seconds, outcomes) == expected,
                "step \(step) after \(seconds) s of \(outcomes)"
            )
        }
    }
}
