import Domain

/// Every page of the HTTP port, with the permission it takes: the table that `Operation.permission`
/// is for calls.
enum HTTPRoute: String, Sendable, CaseIterable {
    case healthz
    case readyz
    case metrics

    var path: String { "/" + rawValue }

    /// Nil is what anybody may see: a code and nothing else.
    var permission: Permission? {
        switch self {
        case .healthz, .readyz: nil
        case .metrics: .observe
        }
    }
}
