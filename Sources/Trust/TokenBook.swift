package import Domain
import Synchronization

/// The tokens in force, in memory: who stands behind a credential, asked on every connection and
/// told anew at once where a token is made or revoked.
package final class TokenBook: Sendable {
    private struct State {
        var tokens: [Credential: Token] = [:]
        var isDemanding = false
    }

    private let state = Mutex(State())
    private let changes = Atomic<UInt64>(0)

    package init() {}

    /// Grows with every change: who has seen this number need not look again.
    package var generation: UInt64 { changes.load(ordering: .acquiring) }

    /// Whether a token was ever made: from then on callers without one are refused.
    ///
    /// Revoking the last one leaves it so, or a thief could open the door by closing it.
    package var isDemanding: Bool { state.withLock { $0.isDemanding } }

    /// The token behind a credential; nil where it is unknown, revoked or past its time.
    package func token(of credential: Credential, at now: Timestamp) -> Token? {
        guard let token = state.withLock({ $0.tokens[credential] }) else { return nil }
        if let expires = token.grant.expires, expires <= now { return nil }
        return token
    }

    /// Takes all tokens that were ever made.
    package func adopt(_ tokens: [Token]) {
        var live: [Credential: Token] = [:]
        for token in tokens where token.revoked == nil { live[token.credential] = token }
        state.withLock { state in
            state.tokens = live
            state.isDemanding = !tokens.isEmpty
            changes.add(1, ordering: .releasing)
        }
    }
}
