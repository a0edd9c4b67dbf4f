/// What a call needs; every operation names one.
package enum Permission: UInt8, Sendable, CaseIterable {
    /// How the server does.
    case observe
    /// Names, types and versions of what is defined.
    case readDefinitions
    case readFeatures
    case writeFeatures
    case train
    case readRegistry
    case writeRegistry
    /// Handing in definitions files: what they change needs `define`, `defineGates`, or both.
    case apply
    case define
    case defineGates
    /// Letting names point at versions; protected ones take `promote` as well.
    case alias
    case promote
    case approve
    case audit
    /// Verifying and compacting what is stored.
    case operate
    /// Deleting what is known about somebody.
    case erase
    case manageTokens

    /// Who has it.
    package var roles: Set<Role> {
        switch self {
        case .observe, .readDefinitions: Set(Role.allCases)
        case .readFeatures: [.reader, .trainer]
        case .writeFeatures: [.writer]
        case .train, .writeRegistry: [.trainer]
        case .readRegistry:
            [.reader, .trainer, .definer, .releaser, .promoter, .approver, .auditor, .admin]
        case .apply: [.definer, .releaser]
        case .define: [.definer]
        case .defineGates: [.releaser]
        case .alias: [.trainer, .promoter]
        case .promote: [.promoter]
        case .approve: [.approver]
        case .audit: [.auditor, .admin]
        case .operate, .erase, .manageTokens: [.admin]
        }
    }
}

/// Permissions as bits, so that a check is one instruction.
package struct PermissionSet: Sendable, Hashable {
    private var bits: UInt32 = 0

    /// All that these roles have.
    package init(of roles: Set<Role>) {
        for permission in Permission.allCases where !permission.roles.isDisjoint(with: roles) {
            bits |= 1 << permission.rawValue
        }
    }

    package func contains(_ permission: Permission) -> Bool {
        bits & (1 << permission.rawValue) != 0
    }
}
