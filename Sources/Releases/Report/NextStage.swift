import Catalog
import Domain
import Registry

extension ReleaseDesk {
    /// The stage that a version would be promoted to next.
    ///
    /// Behind `none` and `archived` that is `staging`, behind `staging` it is `production`; but where
    /// gates let versions in from the stage it is in, their stage, if there is one only.
    func nextStage(
        of version: ModelVersion,
        _ project: ProjectName
    ) throws(AlulaError) -> Stage {
        let gates = gates(project: project).map(\.gate).filter { $0.model == version.model }
        let named = Set(gates.filter { $0.from.contains(version.stage) }.map(\.to))
        if named.count == 1, let next = named.first { return next }
        guard named.isEmpty else {
            throw .invalid(
                "several stages may follow \(version.stage): "
                    + named.sorted().map(\.text).joined(separator: ", "),
                help: "name one: --stage \(named.sorted()[0])"
            )
        }
        if version.stage == .production {
            throw .invalid(
                "version \(version.number) of \(version.model) is in production: no stage is next",
                help: "name one: --stage staging"
            )
        }
        if version.stage.hasHolder { return .production }
        // Where only production has a gate, and that from anywhere, there is nothing in between.
        let open = gates.filter { $0.from.isEmpty }.map(\.to)
        return open == [.production] && gates.count == 1 ? .production : .staging
    }
}
