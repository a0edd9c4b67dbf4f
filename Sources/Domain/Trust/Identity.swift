/// Who calls, and what they may do.
package struct Identity: Sendable, Hashable {
    /// As the audit log has it.
    package let name: String
    package let roles: Set<Role>
    /// Whether they have shown who they are, by a token or a certificate.
    package let isVerified: Bool
    package let scope: TokenScope
    private let permissions: PermissionSet

    package init(name: String, roles: Set<Role>, isVerified: Bool, scope: TokenScope = .everything)
    {
        self.name = name
        self.roles = roles
        self.isVerified = isVerified
        self.scope = scope
        permissions = PermissionSet(of: roles)
    }

    package func may(_ permission: Permission) -> Bool { permissions.contains(permission) }

    /// Anyone on this machine, without a token: may do all but what takes knowing who it was.
    package static let local = Identity(
        name: "local",
        roles: Set(Role.allCases).subtracting([.approver]),
        isVerified: false
    )

    /// Names that no token may have: they stand for callers that the server itself knows.
    package static let reservedNames: Set<String> = ["local", "server"]
}
