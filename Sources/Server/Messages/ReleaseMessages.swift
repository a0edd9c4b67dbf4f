import Catalog
import Domain
import Registry
import SwiftProtobuf
import Wire

extension Page {
    /// The items as messages, as many as fit an answer, and the token of the page behind them.
    ///
    /// The token is empty where there is no more. Items that become nil are left out.
    func fitted<Wire: Message>(
        _ convert: (Item) throws -> Wire?
    ) throws -> (messages: [Wire], nextPageToken: String) {
        var messages: [Wire] = []
        var bytes = 0
        var last = ""
        for entry in entries {
            guard let message = try convert(entry.item) else {
                last = entry.token
                continue
            }
            bytes += (try message.serializedBytes() as [UInt8]).count + 8
            guard messages.isEmpty || bytes <= Limits.pageBytes else {
                return (messages, last)
            }
            messages.append(message)
            last = entry.token
        }
        return (messages, hasMore ? last : "")
    }
}

extension WireModelAlias {
    init(_ alias: ModelAlias) {
        self.init()
        name = alias.name.text
        version = alias.version
        protected = alias.isProtected
        sinceUs = alias.since.microseconds
        actor = alias.actor
    }
}

extension WireStageDefinition {
    init(_ stage: StageDefinition) {
        self.init()
        name = stage.stage.text
        holders = stage.holders
    }
}

extension WireApproval {
    init(_ approval: Approval) {
        self.init()
        model = approval.model.text
        version = approval.version
        stage = approval.stage.text
        actor = approval.actor
        roles = approval.roles.sorted().map(\.rawValue)
        timeUs = approval.time.microseconds
        reason = approval.reason
    }
}

extension WireGateRules {
    init(_ versioned: VersionedGate) {
        self.init()
        let gate = versioned.gate
        version = versioned.version
        model = gate.model.text
        to = gate.to.text
        from = gate.from.map(\.text)
        rules = gate.rules.flatMap(\.descriptions)
        rollback = gate.rollback.flatMap(\.descriptions)
        removed = versioned.isRemoved
    }
}

extension WireStageTenure {
    init(_ tenure: StageTenure) {
        self.init()
        stage = tenure.stage.text
        version = tenure.version
        sinceUs = tenure.since.microseconds
        untilUs = tenure.until?.microseconds ?? 0
        holds = tenure.until == nil
        share = tenure.share.hundredths
    }
}

extension WireRegistryEvent {
    init(_ event: RegistryEvent) {
        self.init()
        revision = event.revision
        timeUs = event.time.microseconds
        kind = event.kind.rawValue
        name = event.kind.name
        model = event.model?.text ?? ""
        version = event.version
        stage = event.stage?.text ?? ""
        other = event.other?.text ?? ""
        alias = event.alias?.text ?? ""
        actor = event.actor
        view = event.view?.text ?? ""
        subject = event.subject ?? ""
        detail = event.detail
    }
}
