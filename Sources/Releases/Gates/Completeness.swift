import Domain

/// What every version must be before it enters a stage, with a gate or without.
enum Completeness {
    /// `missing` are the names of artifacts that are not in the store as they were registered; `lost`
    /// says why its service cannot be read any more.
    static func verdicts(
        _ version: ModelVersion,
        run: Run,
        missing: [String],
        lost: String? = nil
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
        let service = lost.map {
            GateVerdict.RuleVerdict(rule: "its service can be read", outcome: .failed, reason: $0)
        }
        return [service].compactMap(\.self) + [
            artifacts,
            .init(
                rule: "its run did not fail",
                outcome: run.status == .failed ? .failed : .passed,
                reason: "run \(run.id) is \(run.status.rawValue)"
            ),
        ]
    }
}

extension CatalogSnapshot {
    /// Why the service of a version cannot be read; nil where it can, or where it has none.
    func loss(of version: ModelVersion, in name: ProjectName) -> String? {
        guard let reference = version.service, let project = projects[name] else { return nil }
        do throws(AlulaError) {
            _ = try project.service(reference).plan(in: self)
            return nil
        } catch {
            return error.message
        }
    }
}
