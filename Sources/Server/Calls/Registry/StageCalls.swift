import Catalog
import Domain
import NIOCore
import Registry
import Releases
import SwiftProtobuf
import Wire

/// Stages and the gates before them.
extension Dispatcher {
    func promote(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WirePromoteRequest.self, from: call.control)
        let head = try CallHead(request.head)
        let model = try RegisteredModelName(request.model, as: "model")
        let stage = try Stage(text: request.stage)
        let revision = request.expectedRevision == 0 ? nil : request.expectedRevision
        let write = try writeCall(call, head)
        let answer = { (outcome: PromotionOutcome) throws -> [UInt8] in
            try WirePromoteResponse(outcome).serializedBytes()
        }
        if let isOn = try request.isShadowed {
            return Answer(
                stored: try services.releases.shadow(
                    model: model,
                    version: request.version,
                    of: stage,
                    isOn: isOn,
                    reason: request.reason,
                    dryRun: request.dryRun,
                    expectedRevision: revision,
                    call: write,
                    answer: answer
                )
            )
        }
        let stored = try services.releases.promote(
            model: model,
            version: request.version,
            to: stage,
            share: try request.checkedShare,
            reason: request.reason,
            dryRun: request.dryRun,
            expectedRevision: revision,
            call: write,
            answer: answer
        )
        return Answer(stored: stored)
    }

    func rollback(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireRollbackRequest.self, from: call.control)
        let head = try CallHead(request.head)
        let stored = try services.releases.rollback(
            model: try RegisteredModelName(request.model, as: "model"),
            stage: try Stage(text: request.stage),
            reason: request.reason,
            expectedRevision: request.expectedRevision == 0 ? nil : request.expectedRevision,
            call: try writeCall(call, head)
        ) { try WirePromoteResponse($0).serializedBytes() }
        return Answer(stored: stored)
    }

    func approve(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireApproveRequest.self, from: call.control)
        let head = try CallHead(request.head)
        let stored = try services.releases.approve(
            model: try RegisteredModelName(request.model, as: "model"),
            version: request.version,
            for: try Stage(text: request.stage),
            reason: request.reason,
            call: try writeCall(call, head)
        ) { try WireApproval($0).serializedBytes() }
        return Answer(stored: stored)
    }

    func listApprovals(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireListApprovalsRequest.self, from: call.control)
        var answer = WireApprovals()
        answer.approvals = try services.registry.approvals(
            of: request.version,
            model: try RegisteredModelName(request.model, as: "model"),
            project: try project(of: request.head)
        ).map(WireApproval.init)
        return try Answer(answer)
    }

    func listGates(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireListGatesRequest.self, from: call.control)
        let project = try project(of: request.head)
        let model =
            request.model.isEmpty ? nil : try RegisteredModelName(request.model, as: "model")
        var answer = WireGates()
        switch (model, request.history) {
        case (let model?, true):
            answer.gates = try services.releases.gateHistory(model: model, project: project)
                .map(WireGateRules.init)
        case (nil, true): throw AlulaError.invalid("the history of gates is that of one model")
        case (_, false):
            answer.gates = services.releases.gates(project: project)
                .filter { model == nil || $0.gate.model == model }
                .filter { call.identity.scope.covers($0.gate.model) }.map(WireGateRules.init)
        }
        return try Answer(answer)
    }

    func stagesAt(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireStagesAtRequest.self, from: call.control)
        var answer = WireStageTenures()
        answer.tenures = try services.registry.tenures(
            of: try RegisteredModelName(request.model, as: "model"),
            at: Timestamp(microseconds: request.timeUs),
            in: request.stage.isEmpty ? nil : try Stage(text: request.stage),
            project: try project(of: request.head)
        ).map(WireStageTenure.init)
        return try Answer(answer)
    }

    func stageHolders(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireStageHoldersRequest.self, from: call.control)
        let held = try services.registry.held(
            try Stage(text: request.stage),
            of: try RegisteredModelName(request.model, as: "model"),
            project: try project(of: request.head)
        )
        var answer = WireStageHolders()
        answer.revision = held.revision
        answer.holders = try held.holders.map { holder in
            var wire = WireHeldVersion()
            wire.version = try message(holder.version)
            wire.share = holder.share.hundredths
            wire.sinceUs = holder.since.microseconds
            return wire
        }
        if let shadow = held.shadow { answer.shadow = try message(shadow) }
        return try Answer(answer)
    }
}

extension WirePromoteRequest {
    /// Nil where the version is to become a holder.
    fileprivate var isShadowed: Bool? {
        get throws(AlulaError) {
            switch shadow {
            case .no: return nil
            case .on, .off:
                guard !hasShare else {
                    throw .invalid("a shadow never answers, so it has no share")
                }
                return shadow == .on
            case .UNRECOGNIZED(let number):
                throw .invalid("there is no way \(number) to be a shadow")
            }
        }
    }

    fileprivate var checkedShare: Share {
        get throws(AlulaError) {
            guard hasShare else { return .all }
            guard let share = Share(hundredths: share), share > .none else {
                throw .invalid(
                    "a share is above 0% and at most 100%: found \(self.share) hundredths of a percent"
                )
            }
            return share
        }
    }
}
