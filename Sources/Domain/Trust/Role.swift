/// What a token lets its holder be; one may have several roles.
package enum Role: String, Sendable, Hashable, CaseIterable, Comparable {
    /// Reads features, definitions and the registry.
    case reader
    /// Pushes and imports rows.
    case writer
    /// Makes training sets, logs runs, registers versions.
    case trainer
    /// Changes definitions.
    case definer
    /// Changes gates.
    case releaser
    /// Moves versions between stages.
    case promoter
    /// Approves versions.
    case approver
    /// Reads the audit log.
    case auditor
    /// Keeps the server: tokens, upkeep, erasure.
    case admin

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    package init(text: String) throws(AlulaError) {
        guard let role = Role(rawValue: text) else {
            throw .invalid(
                "\"\(text.prefix(64))\" is not a role: expected "
                    + Role.allCases.map(\.rawValue).joined(separator: ", ")
            )
        }
        self = role
    }
}
