import Catalog
import Domain
import NIOCore
import Registry
import Releases
import SwiftProtobuf
import Wire

/// Rollouts.
extension Dispatcher {
    func startRollout(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireStartRolloutRequest.self, from: call.control)
        let head = try CallHead(request.head)
        let stored = try services.releases.startRollout(
            model: try RegisteredModelName(request.model, as: "model"),
            version: request.version,
            plan: request.plan.isEmpty ? nil : try RolloutPlanName(request.plan, as: "rollout"),
            reason: request.reason,
            call: try writeCall(call, head)
        ) { start in
            var answer = try WireRollout(start.record)
            guard !start.outcome.passed else { return try answer.serializedBytes() }
            answer.state = "refused"
            answer.gate = WirePromoteResponse(start.outcome).rules
            return try answer.serializedBytes()
        }
        return Answer(stored: stored)
    }

    func cancelRollout(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireCancelRolloutRequest.self, from: call.control)
        let head = try CallHead(request.head)
        let stored = try services.releases.cancelRollout(
            model: try RegisteredModelName(request.model, as: "model"),
            back: request.back,
            reason: request.reason,
            call: try writeCall(call, head)
        ) { try WireRollout($0).serializedBytes() }
        return Answer(stored: stored)
    }

    func listRollouts(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireListRolloutsRequest.self, from: call.control)
        let project = try project(of: request.head)
        let model =
            request.model.isEmpty ? nil : try RegisteredModelName(request.model, as: "model")
        let scope = call.identity.scope
        var answer = WireRollouts()
        answer.rollouts = try services.registry.rollouts(
            of: model,
            project: project,
            limit: request.limit == 0 ? 100 : Int(min(request.limit, 1_000))
        ).filter { scope.covers($0.model) }.map { try WireRollout($0) }
        answer.plans = (services.catalog.rollouts[project] ?? []).filter { versioned in
            guard !versioned.isRetired else { return false }
            guard let own = versioned.plan.model else { return true }
            return (model == nil || own == model) && scope.covers(own)
        }.map { WireRolloutPlan($0.plan, version: $0.version) }
        return try Answer(answer)
    }
}

extension WireRolloutPlan {
    init(_ plan: RolloutPlan, version: UInt32) {
        self.init()
        name = plan.name.text
        self.version = version
        model = plan.model?.text ?? ""
        stage = plan.stage.text
        steps = plan.steps.map { step in
            var wire = WireRolloutStep()
            wire.share = step.share.hundredths
            wire.holdUs = step.hold.microseconds
            return wire
        }
        rules = plan.rules.map(\.description)
    }
}

extension WireRollout {
    init(_ record: RolloutRecord) throws {
        self.init()
        number = record.number
        model = record.model.text
        version = record.version
        plan = WireRolloutPlan(
            try RolloutPlan(json: record.definition),
            version: record.planVersion
        )
        state = record.state.rawValue
        step = UInt32(record.step + 1)
        sinceUs = record.since.microseconds
        startedUs = record.started.microseconds
        endedUs = record.ended?.microseconds ?? 0
        actor = record.actor
        reason = record.reason
        evaluatedUs = record.evaluated?.microseconds ?? 0
        figures = record.figures.map { figure in
            var wire = WireRolloutFigure()
            wire.rule = figure.rule
            wire.outcome = figure.outcome.rawValue
            if let value = figure.value { wire.value = value }
            if let threshold = figure.threshold { wire.threshold = threshold }
            wire.rows = figure.rows
            wire.reason = figure.reason
            return wire
        }
    }
}
