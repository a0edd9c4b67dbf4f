package import Wire

extension AlulaClient {
    /// Makes a token; its secret stays with whoever drew it.
    package func createToken(_ request: WireCreateTokenRequest) async throws -> WireToken {
        try await call(.createToken, request, answer: WireToken.self).0
    }

    /// Every token that was ever made.
    package func tokens() async throws -> [WireToken] {
        try await call(.listTokens, WireHeadOnly(), answer: WireTokens.self).0.tokens
    }

    /// Revokes the token of this id, or all of this name, and gives those that it revoked.
    package func revokeToken(_ which: String) async throws -> [WireToken] {
        var request = WireRevokeTokenRequest()
        request.token = which
        return try await call(.revokeToken, request, answer: WireTokens.self).0.tokens
    }
}
