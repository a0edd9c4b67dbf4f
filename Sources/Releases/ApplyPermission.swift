import Catalog
import Domain

/// What a caller may change: definitions with `define`, gates, monitors and rollouts with `defineGates`, a file
/// that changes both with both.
extension Identity {
    func check(mayDefine project: ProjectName) throws(AlulaError) {
        guard scope.covers(project) else {
            throw AlulaError(
                .permissionDenied,
                "this caller may not define anything in project \(project)",
                help: "its token is for other projects: alula token list"
            )
        }
    }

    func check(mayMake changes: [DefinitionChange]) throws(AlulaError) {
        let gates = changes.count(where: \.isOfGates)
        if gates > 0 { try check(.defineGates, "gates, monitors or rollouts") }
        if gates < changes.count { try check(.define, "definitions") }
    }

    private func check(_ permission: Permission, _ what: String) throws(AlulaError) {
        guard !may(permission) else { return }
        let roles = permission.roles.sorted().map(\.rawValue).joined(separator: ", ")
        throw AlulaError(
            .permissionDenied,
            "apply is refused: it would change \(what), which takes the role \(roles)",
            help: "nothing was changed; a file that changes definitions and gates needs both roles"
        )
    }
}

extension DefinitionChange {
    /// Whether it changes what guards the stages of models, and not what is in them.
    fileprivate var isOfGates: Bool {
        switch kind {
        case .gate, .stage, .monitor, .rollout: true
        case .project, .entity, .view, .service: false
        }
    }
}
