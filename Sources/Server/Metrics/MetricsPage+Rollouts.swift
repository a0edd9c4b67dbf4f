import Catalog
import Domain
import Registry

extension MetricsPage {
    /// Of so many models at most; those whose newest rollout began last.
    private static let mostRollouts = 1_000

    /// Where the newest rollout of each model stands.
    mutating func writeRollouts() throws(AlulaError) {
        let newest = try services.registry.newestRollouts(Self.mostRollouts)
        let known = newest.map { record in
            (
                labels: Self.labels(record), record: record,
                plan: try? RolloutPlan(json: record.definition)
            )
        }
        page.begin("alula_rollout_info", .gauge, "The newest rollout of each model.")
        for (labels, record, _) in known {
            let more = [
                ("plan", record.plan.text), ("version", "\(record.version)"),
                ("stage", "\(record.stage)"),
            ]
            page.sample("alula_rollout_info", labels + more, 1)
        }
        page.begin("alula_rollout_state", .gauge, "1 for the state that it is in.")
        for (labels, record, _) in known {
            for state in RolloutState.allCases {
                page.sample(
                    "alula_rollout_state",
                    labels + [("state", state.rawValue)],
                    state == record.state ? 1 : 0
                )
            }
        }
        page.begin("alula_rollout_step", .gauge, "The step that it is in, or ended in, from 1.")
        for (labels, record, _) in known {
            page.sample("alula_rollout_step", labels, UInt64(record.step + 1))
        }
        page.begin("alula_rollout_share", .gauge, "What that step gives the version; 1 is all.")
        for (labels, record, plan) in known {
            guard let steps = plan?.steps, steps.indices.contains(record.step) else { continue }
            page.sample(
                "alula_rollout_share",
                labels,
                number: Double(steps[record.step].share.hundredths)
                    / Double(Share.all.hundredths)
            )
        }
        page.begin(
            "alula_rollout_since_seconds",
            .gauge,
            "When the step, or the end, came, since 1970."
        )
        for (labels, record, _) in known {
            page.sample(
                "alula_rollout_since_seconds",
                labels,
                seconds: record.since.microseconds
            )
        }
        writeDue(known.filter { $0.record.state == .running })
    }

    private mutating func writeDue(
        _ running: [(
            labels: [(name: String, value: String)], record: RolloutRecord, plan: RolloutPlan?
        )]
    ) {
        page.begin(
            "alula_rollout_due_seconds",
            .gauge,
            "From when on the step of one that runs may end, since 1970; later it waits for its rules."
        )
        for (labels, record, plan) in running {
            guard let steps = plan?.steps, steps.indices.contains(record.step) else { continue }
            page.sample(
                "alula_rollout_due_seconds",
                labels,
                seconds: (record.since + steps[record.step].hold).microseconds
            )
        }
    }

    private static func labels(_ record: RolloutRecord) -> [(name: String, value: String)] {
        [("project", record.project.text), ("model", record.model.text)]
    }
}
