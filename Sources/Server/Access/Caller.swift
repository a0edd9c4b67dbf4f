import Digest
import Domain
import Trust

/// Whether callers on this machine need a token.
package enum AnonymousCallers: String, Sendable, CaseIterable {
    /// Until the first token is made.
    case untilTokens
    /// Always: they are `local`.
    case local
}

/// Who calls on one connection, as far as they have shown it.
struct Caller: Sendable {
    /// Nil: nobody, who may only say who they are.
    private(set) var identity: Identity?
    private var credential: Credential?
    private(set) var expires: Timestamp?
    /// To the identity, by its scope.
    var granted = GrantedReads()
    private var generation: UInt64
    private let isLoopback: Bool

    init(isLoopback: Bool, _ gatekeeper: Gatekeeper) {
        self.isLoopback = isLoopback
        generation = gatekeeper.book.generation
        identity = Self.anonymous(isLoopback, gatekeeper)
    }

    /// Whether a credential was shown that no longer holds.
    var isRevoked: Bool { credential != nil && identity == nil }

    /// Takes what the caller shows; false where it is unknown or not in force.
    mutating func show(_ credential: Credential, _ gatekeeper: Gatekeeper) -> Bool {
        self.credential = credential
        look(gatekeeper)
        return identity != nil
    }

    /// Looks again where a token was made or revoked since, or has run out; cheap where not.
    mutating func refresh(_ gatekeeper: Gatekeeper) {
        let isOver = expires.map { $0 <= gatekeeper.now() } ?? false
        if generation != gatekeeper.book.generation || isOver { look(gatekeeper) }
    }

    private mutating func look(_ gatekeeper: Gatekeeper) {
        generation = gatekeeper.book.generation
        granted = GrantedReads()
        guard let credential else {
            identity = Self.anonymous(isLoopback, gatekeeper)
            return
        }
        let token = gatekeeper.book.token(of: credential, at: gatekeeper.now())
        identity = token?.identity
        expires = token?.grant.expires
    }

    private static func anonymous(_ isLoopback: Bool, _ gatekeeper: Gatekeeper) -> Identity? {
        guard isLoopback else { return nil }
        switch gatekeeper.anonymous {
        case .local: return .local
        case .untilTokens: return gatekeeper.book.isDemanding ? nil : .local
        }
    }
}

extension Credential {
    /// Of a token as it was sent; nil where it is not one.
    init?(tokenText: String) {
        guard let secret = TokenSecret(text: tokenText) else { return nil }
        self.init(kind: .secret, hash: SHA256Hasher.digest(of: secret.bytes))
    }
}
