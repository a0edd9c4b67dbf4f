package import Domain
package import Registry

extension ReleaseDesk {
    /// Notes that the actor approves of a version entering a stage; once each, whatever is said
    /// again.
    ///
    /// Throws `permissionDenied` where the actor has not shown who they are, may not approve, or
    /// made the version or its run themself.
    package func approve(
        model name: RegisteredModelName,
        version number: UInt32,
        for stage: Stage,
        reason: String = "",
        call: WriteCall,
        answer: (Approval) throws -> [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        try Self.check(reason)
        try Self.checkMayApprove(call.identity)
        guard stage.hasHolder else {
            throw .invalid("nothing is to be approved for \(stage): any version may enter it")
        }
        return try registry.write("approve", call: call) { tables in
            let model = try tables.requireModel(name, in: call.project)
            try tables.requireStage(stage, of: model)
            let version = try tables.requireVersion(number, of: model)
            let run = try tables.run(version.run, in: call.project)
            guard ![version.actor, run.actor].contains(call.actor) else {
                throw AlulaError(
                    .permissionDenied,
                    "\(call.actor) made version \(number) of \(name), and nobody approves of their own",
                    help: "ask somebody else with the role approver"
                )
            }
            let known = try tables.approvals(of: version, for: stage, in: model)
            if let first = known.first(where: { $0.actor == call.actor }) {
                return try answer(first)
            }
            let approval = Approval(
                model: name,
                version: number,
                stage: stage,
                actor: call.actor,
                roles: call.identity.roles,
                time: call.now,
                reason: reason
            )
            try tables.insert(approval, in: model, call)
            return try answer(approval)
        }
    }

    /// Whoever is to be counted must be known.
    private static func checkMayApprove(_ identity: Identity) throws(AlulaError) {
        guard identity.isVerified else {
            throw AlulaError(
                .permissionDenied,
                "an approval takes knowing who gives it, and \(identity.name) has shown no token",
                help: "use a token with the role approver"
            )
        }
        guard identity.may(.approve) else {
            throw AlulaError(
                .permissionDenied,
                "\(identity.name) may not approve",
                help: "it takes the role approver"
            )
        }
    }
}
