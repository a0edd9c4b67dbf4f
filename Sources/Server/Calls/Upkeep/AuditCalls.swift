import Catalog
import Domain
import Registry
import Wire

extension Dispatcher {
    func listAudit(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireListAuditRequest.self, from: call.control)
        let filter = AuditFilter(
            project: try auditedProject(request.head, call.identity),
            object: request.object.isEmpty ? nil : request.object,
            actor: request.actor.isEmpty ? nil : request.actor,
            act: request.act.isEmpty ? nil : request.act,
            since: request.sinceUs == 0 ? nil : Timestamp(microseconds: request.sinceUs),
            until: request.untilUs == 0 ? nil : Timestamp(microseconds: request.untilUs)
        )
        let limit = request.limit == 0 ? 1_000 : Int(min(request.limit, 1_000))
        let entries = try services.registry.audit(filter, after: request.after, limit: limit)
        var answer = WireAuditEntries()
        answer.entries = entries.map(WireAuditEntry.init)
        if let last = entries.last {
            let more = try services.registry.audit(filter, after: last.number, limit: 1)
            if !more.isEmpty { answer.next = last.number }
        }
        return try Answer(answer)
    }

    /// Looks at every entry, and compares the log with what was kept of its end elsewhere.
    func verifyAudit(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireVerifyAuditRequest.self, from: call.control)
        // Read before the log is: it only grows.
        let online = try services.auditHeads.kept()
        var kept: [KeptHead] = []
        if let online { kept.append(KeptHead(head: online, place: "the online directory")) }
        if !request.headKept.isEmpty {
            kept.append(
                KeptHead(head: try AuditHead(text: request.headKept), place: "the head given")
            )
        }
        let check = try services.registry.verifyAudit(kept: kept) { try call.checkEnded() }
        var answer = WireVerifyAuditResponse()
        answer.entries = check.entries
        answer.headNow = check.head.description
        answer.headKeptOnline = online?.description ?? ""
        answer.problems = check.problems
        answer.problemCount = check.problemCount
        answer.keyOutside = services.auditKeyIsOutside
        return try Answer(answer)
    }

    /// The project that was asked for; nil for all of them, which takes a scope of everything.
    private func auditedProject(
        _ head: WireCallHead,
        _ identity: Identity
    ) throws(AlulaError) -> ProjectName? {
        if head.project.isEmpty, identity.scope.isEverything { return nil }
        return try project(of: head)
    }
}
