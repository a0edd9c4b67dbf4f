package import Wire

/// Aliases, approvals, gates, the audit log.
extension AlulaClient {
    package func setAlias(_ request: WireSetAliasRequest) async throws -> WireModelAlias {
        try await call(.setAlias, request, answer: WireModelAlias.self).0
    }

    /// The alias as it was.
    package func deleteAlias(_ alias: String, of model: String) async throws -> WireModelAlias {
        var request = WireDeleteAliasRequest()
        request.model = model
        request.alias = alias
        return try await call(.deleteAlias, request, answer: WireModelAlias.self).0
    }

    package func aliases(of model: String) async throws -> [WireModelAlias] {
        var request = WireListAliasesRequest()
        request.model = model
        return try await call(.listAliases, request, answer: WireModelAliases.self).0.aliases
    }

    package func approve(_ request: WireApproveRequest) async throws -> WireApproval {
        try await call(.approve, request, answer: WireApproval.self).0
    }

    package func approvals(model: String, version: UInt32) async throws -> [WireApproval] {
        var request = WireListApprovalsRequest()
        request.model = model
        request.version = version
        return try await call(.listApprovals, request, answer: WireApprovals.self).0.approvals
    }

    /// The gates in force, of one model or of all; with `everyVersion` also those that were.
    package func gates(
        model: String = "",
        everyVersion: Bool = false
    ) async throws -> [WireGateRules] {
        var request = WireListGatesRequest()
        request.model = model
        request.history = everyVersion
        return try await call(.listGates, request, answer: WireGates.self).0.gates
    }

    /// Who held the stages of a model at a moment; an empty stage means all.
    package func stages(
        of model: String,
        at microseconds: Int64,
        stage: String = ""
    ) async throws -> [WireStageTenure] {
        var request = WireStagesAtRequest()
        request.model = model
        request.timeUs = microseconds
        request.stage = stage
        return try await call(.stagesAt, request, answer: WireStageTenures.self).0.tenures
    }

    /// Who answers for a stage now, with which shares, and its shadow.
    package func holders(of stage: String, of model: String) async throws -> WireStageHolders {
        var request = WireStageHoldersRequest()
        request.model = model
        request.stage = stage
        return try await call(.stageHolders, request, answer: WireStageHolders.self).0
    }

    /// Begins to roll a version out; a refusal of the gate is an answer of state `refused`.
    package func startRollout(_ request: WireStartRolloutRequest) async throws -> WireRollout {
        try await call(.startRollout, request, answer: WireRollout.self).0
    }

    package func cancelRollout(_ request: WireCancelRolloutRequest) async throws -> WireRollout {
        try await call(.cancelRollout, request, answer: WireRollout.self).0
    }

    /// The newest first, and the plans in force; of a model, or of all.
    package func rollouts(of model: String, limit: UInt32) async throws -> WireRollouts {
        var request = WireListRolloutsRequest()
        request.model = model
        request.limit = limit
        return try await call(.listRollouts, request, answer: WireRollouts.self).0
    }

    /// Makes the training set of a version again and compares; gates read what came of it.
    package func reproduce(model: String, version: UInt32) async throws -> WireReproduceResponse {
        var request = WireReproduceRequest()
        request.model = model
        request.version = version
        return try await stream(
            .reproduce,
            request,
            answer: WireReproduceResponse.self
        ) { (_: WireEmpty, _) in }.0
    }

    /// Looks at every entry of the audit log; `head` is NUMBER:HASH, kept elsewhere, or empty.
    package func verifyAudit(head: String = "") async throws -> WireVerifyAuditResponse {
        var request = WireVerifyAuditRequest()
        request.headKept = head
        return try await stream(
            .verifyAudit,
            request,
            answer: WireVerifyAuditResponse.self
        ) { (_: WireEmpty, _) in }.0
    }

    /// One page of the audit log, oldest first.
    package func audit(_ request: WireListAuditRequest) async throws -> WireAuditEntries {
        try await call(.listAudit, request, answer: WireAuditEntries.self).0
    }
}
