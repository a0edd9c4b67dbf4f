import Domain

/// What every version must be before it enters a stage, with a gate or without.
enum Completeness {
    /// `missing` are the names of artifacts that are not in the store as they were registered.
    static func verdicts(
        _ version: ModelVersion,
        run: Run,
        missing: [String]
    ) -> [GateVerdict.RuleVerdict] {
        let artifacts: GateVerdict.RuleVerdict
        if version.artifacts.isEmpty {
            artifacts = .init(
                rule: "has its artifacts",
                outcome: .failed,
                reason: "the version was registered without artifacts"
            )
        } else if missing.isEmpty {
            artifacts = .init(
                rule: "has its artifacts",
                outcome: .passed,
                reason: "\(version.artifacts.count) in the store"
            )
        } else {
            artifacts = .init(
                rule: "has its artifacts",
                outcome: .failed,
                reason: "missing or damaged: \(missing.joined(separator: ", "))"
            )
        }
        return [
            artifacts,
            .init(
                rule: "its run did not fail",
                outcome: run.status == .failed ? .failed : .passed,
                reason: "run \(run.id) is \(run.status.rawValue)"
            ),
        ]
    }
}
