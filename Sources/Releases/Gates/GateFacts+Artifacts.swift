import Domain

extension GateFacts {
    /// Every artifact is of one of these kinds.
    func judge(_ allowed: [ArtifactKind]) -> GateVerdict.RuleVerdict {
        var wrong: [String] = []
        var unknown: [String] = []
        for name in fileNames {
            switch kinds[name] ?? nil {
            case nil: unknown.append(name)
            case .some(let kind) where !allowed.contains(kind):
                wrong.append("\(name) is \(kind)")
            case .some: break
            }
        }
        return verdict(Gate.Rule.artifactsDescription(allowed), wrong, unknown, passes: "all")
    }

    /// What a gate before production asks where it does not say itself what artifacts may be.
    func judgePickles() -> GateVerdict.RuleVerdict {
        let pickles = fileNames.filter { (kinds[$0] ?? nil) == .pickle }
        guard pickles.isEmpty else {
            return .init(
                rule: "artifacts are no pickles",
                outcome: .failed,
                reason: pickles.joined(separator: ", ")
                    + ": loading a pickle runs whatever is in it; where that is wanted, the gate says "
                    + "{artifacts: [pickle]}"
            )
        }
        return .init(
            rule: "artifacts are no pickles",
            outcome: .passed,
            reason: "none of \(fileNames.count) is"
        )
    }

    /// Of every artifact, and of every file in those that are directories.
    private var fileNames: [String] {
        version.artifacts.flatMap { artifact in
            artifact.isDirectory
                ? kinds.keys.filter { $0.hasPrefix(artifact.name + "/") }.sorted() : [artifact.name]
        }
    }

    private func verdict(
        _ rule: String,
        _ wrong: [String],
        _ unknown: [String],
        passes: String
    ) -> GateVerdict.RuleVerdict {
        let kinds = unknown.map { "\($0) is of no known kind" }
        if !wrong.isEmpty {
            return .init(
                rule: rule,
                outcome: .failed,
                reason: (wrong + kinds).joined(separator: ", ")
            )
        }
        guard unknown.isEmpty else {
            return .init(
                rule: rule,
                outcome: .cannotTell,
                reason: kinds.joined(separator: ", ")
            )
        }
        return .init(
            rule: rule,
            outcome: .passed,
            reason: "\(passes) \(fileNames.count) are"
        )
    }
}
