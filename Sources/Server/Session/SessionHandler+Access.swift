import Digest
import Domain
import Logging
import NIOCore
import NIOSSL
import NIOTLS
import Synchronization
import Trust
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
        guard let identity = caller.identity, identity.may(.readFeatures),
            limits.requestsPerSecond == 0
        else { return false }
        guard !identity.scope.isEverything else { return true }
        let start = waiting.readerIndex + head.control.lowerBound
        guard let control = waiting.getSlice(at: start, length: head.control.count) else {
            return false
        }
        return gatekeeper.mayRead(control, identity, &caller.granted)
    }

    /// Takes the token of AUTHENTICATE at once, so that calls may follow it without waiting; throws
    /// where it is not in force, which ends the connection.
    func authenticate(_ request: Frame) throws(AlulaError) -> Answer {
        let message = try Messages.decode(WireAuthenticateRequest.self, from: request.control)
        guard let credential = Credential(tokenText: message.token),
            caller.show(credential, gatekeeper), let identity = caller.identity
        else {
            noteRefusal(of: .authenticate, Gatekeeper.unauthenticated)
            throw Gatekeeper.unauthenticated
        }
        decoder.largestPayload = Limits.frameBytes
        var answer = WireAuthenticateResponse()
        answer.name = identity.name
        answer.roles = identity.roles.sorted().map(\.rawValue)
        answer.scope = WireTokenScope(identity.scope)
        answer.expiresUs = caller.expires?.microseconds ?? 0
        return try Answer(answer)
    }

    /// Counts it; the log is told of the first on a connection, so that nobody fills it.
    func noteRefusal(of operation: Operation, _ reason: AlulaError) {
        dispatcher.services.figures.refusals.add(1, ordering: .relaxed)
        guard !hasToldRefusal else { return }
        hasToldRefusal = true
        logger.notice(
            "refused",
            metadata: [
                "operation": "\(operation.word)",
                "caller": "\(caller.identity?.name ?? "-")",
                "peer": "\(peer)",
                "reason": "\(reason.code)",
            ]
        )
    }

    /// Ends the connection, and what is in flight on it, where its caller no longer counts.
    ///
    /// Who has made or revoked the token is answered first.
    func recheck(_ context: ChannelHandlerContext) {
        guard !calls.changesTokens else { return }
        caller.refresh(gatekeeper)
        guard caller.identity == nil else { return }
        end(with: Gatekeeper.unauthenticated, context)
    }
}

/// Limits of what a caller may have the server do.
extension SessionHandler {
    /// Nil where one more call may begin; its bytes are counted then.
    func excess(of request: Frame, from identity: Identity) -> AlulaError? {
        guard calls.count < limits.callsPerConnection else {
            return AlulaError(
                .resourceExhausted,
                "there are \(limits.callsPerConnection) calls in flight on this connection, its "
                    + "limit (calls-per-connection)"
            )
        }
        guard isWithinRate(identity) else {
            return AlulaError(
                .resourceExhausted,
                "\(identity.name) has made \(limits.requestsPerSecond) calls in this second, the "
                    + "limit (requests-per-second)",
                help: "make fewer, with more rows in each"
            )
        }
        return buffer.take(request.payloadBytes)
    }

    func isWithinRate(_ identity: Identity) -> Bool {
        guard limits.requestsPerSecond > 0 else { return true }
        return dispatcher.services.rates.rate(of: identity.name).admits(
            gatekeeper.now(),
            limit: limits.requestsPerSecond
        )
    }

    /// Milliseconds that a call may take, of those that it asks for; 0 is any number.
    func deadline(_ asked: UInt32, of operation: Operation) -> Int64 {
        let most = Int64(limits.deadlineSeconds) * 1_000
        guard most > 0 else { return Int64(asked) }
        if asked == 0 { return operation.isStream || operation.staysOpen ? 0 : most }
        return min(Int64(asked), most)
    }

    /// The end of a TLS handshake: the protocol that was agreed on, and whose certificate it was.
    func receive(_ event: TLSUserEvent, _ context: ChannelHandlerContext) {
        guard case .handshakeCompleted(let negotiated) = event else { return }
        guard negotiated == Certificates.callProtocol else {
            return end(
                with: .invalid(
                    "the TLS handshake names no protocol that is spoken here: expected "
                        + Certificates.callProtocol,
                    help: "the client may be meant for another server"
                ),
                context
            )
        }
        let handler = try? context.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self)
        guard let certificate = handler?.peerCertificate,
            let credential = Credential(certificate: certificate)
        else { return }
        if caller.show(credential, gatekeeper) { decoder.largestPayload = Limits.frameBytes }
    }
}

extension Credential {
    /// Of a client certificate, by its public key, so that a renewed one is the same caller; nil
    /// where it has none that can be read.
    fileprivate init?(certificate: NIOSSLCertificate) {
        guard let key = try? certificate.extractPublicKey().toSPKIBytes() else { return nil }
        self.init(kind: .certificate, hash: SHA256Hasher.digest(of: key))
    }
}
