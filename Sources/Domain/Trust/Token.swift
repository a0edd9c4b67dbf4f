/// What shows who calls, as a server knows it: the hash of a secret, or of the public key of a client
/// certificate.
package struct Credential: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable {
        case secret
        case certificate
    }

    package var kind: Kind
    /// SHA-256 of 256 random bits, or of a public key: it cannot be turned back, and looking it up
    /// takes a time that tells nothing of the secret.
    package var hash: ContentDigest

    package init(kind: Kind, hash: ContentDigest) {
        self.kind = kind
        self.hash = hash
    }
}

/// What the holder of a credential may do.
package struct TokenGrant: Sendable, Hashable {
    /// Whom it speaks for, as the audit log has it; several tokens may speak for the same.
    package var name: TokenName
    package var roles: Set<Role>
    package var scope: TokenScope
    /// Nil is never.
    package var expires: Timestamp?

    package init(
        name: TokenName,
        roles: Set<Role>,
        scope: TokenScope = .everything,
        expires: Timestamp? = nil
    ) {
        self.name = name
        self.roles = roles
        self.scope = scope
        self.expires = expires
    }
}

/// A credential that was made, and what has become of it.
package struct Token: Sendable, Hashable {
    package var id: String
    package var credential: Credential
    package var grant: TokenGrant
    package var created: Timestamp
    package var createdBy: String
    package var revoked: Timestamp?
    package var revokedBy: String?

    package init(
        id: String,
        credential: Credential,
        grant: TokenGrant,
        created: Timestamp,
        createdBy: String,
        revoked: Timestamp? = nil,
        revokedBy: String? = nil
    ) {
        self.id = id
        self.credential = credential
        self.grant = grant
        self.created = created
        self.createdBy = createdBy
        self.revoked = revoked
        self.revokedBy = revokedBy
    }

    package var identity: Identity {
        Identity(
            name: grant.name.text,
            roles: grant.roles,
            isVerified: true,
            scope: grant.scope
        )
    }
}

package typealias TokenName = Name<Token>
