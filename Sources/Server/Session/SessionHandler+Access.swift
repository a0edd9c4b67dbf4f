import Domain
import NIOCore
import Wire

/// Who calls, decided before a request is looked at.
extension SessionHandler {
    /// Nil where the request may go on.
    func refusal(of request: Frame, _ operation: Operation) -> AlulaError? {
        caller.refresh(gatekeeper)
        return gatekeeper.refusal(of: operation, request.control, from: caller.identity)
    }

    /// Whether the read that has arrived may be answered; where not, its refusal is for `refusal`.
    func mayRead(_ head: ReadHead) -> Bool {
        caller.refresh(gatekeeper)
        guard let identity = caller.identity, identity.may(.readFeatures) else { return false }
        guard !identity.scope.isEverything else { return true }
        guard
            let control = waiting.getSlice(
                at: waiting.readerIndex + head.control.lowerBound,
                length: head.control.count
            )
        else { return false }
        return gatekeeper.refusal(of: .read, control, from: identity) == nil
    }

    /// Takes the token of AUTHENTICATE at once, so that calls may follow it without waiting; throws
    /// where it is not in force, which ends the connection.
    func authenticate(_ request: Frame) throws(AlulaError) -> Answer {
        let message = try Messages.decode(WireAuthenticateRequest.self, from: request.control)
        guard let credential = Credential(tokenText: message.token),
            caller.show(credential, gatekeeper), let identity = caller.identity
        else { throw Gatekeeper.unauthenticated }
        decoder.largestPayload = Limits.frameBytes
        var answer = WireAuthenticateResponse()
        answer.name = identity.name
        answer.roles = identity.roles.sorted().map(\.rawValue)
        answer.scope = WireTokenScope(identity.scope)
        answer.expiresUs = caller.expires?.microseconds ?? 0
        return try Answer(answer)
    }

    /// Ends the connection, and what is in flight on it, where its caller no longer counts.
    func recheck(_ context: ChannelHandlerContext) {
        caller.refresh(gatekeeper)
        guard caller.identity == nil else { return }
        end(with: Gatekeeper.unauthenticated, context)
    }
}
