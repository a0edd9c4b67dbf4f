import Domain
import NIOCore
import Trust
import Wire

/// Who may call, and what: asked with every request, before anything of it is decoded.
struct Gatekeeper: Sendable {
    let book: TokenBook
    let anonymous: AnonymousCallers
    let snapshot: @Sendable () -> CatalogSnapshot
    let now: @Sendable () -> Timestamp

    /// Nil where the request may go on; its words are the same whether or not what it asks for is
    /// there.
    func refusal(
        of operation: Operation,
        _ control: ByteBuffer,
        from identity: Identity?
    ) -> AlulaError? {
        guard let permission = operation.permission else { return nil }
        guard let identity else { return Self.unauthenticated }
        guard identity.may(permission) else { return Self.refusal(of: operation) }
        guard !identity.scope.isEverything else { return nil }
        do throws(AlulaError) {
            return try isWithin(identity.scope, operation, control)
                ? nil : Self.refusal(of: operation)
        } catch {
            return error
        }
    }

    /// Likewise of a read, which is mostly the same one again.
    func mayRead(_ control: ByteBuffer, _ identity: Identity, _ granted: inout GrantedReads) -> Bool
    {
        let revision = snapshot().revision
        let isKnown = unsafe control.withUnsafeReadableBytes {
            unsafe granted.has($0, revision: revision)
        }
        guard !isKnown else { return true }
        guard refusal(of: .read, control, from: identity) == nil else { return false }
        granted.note(control.readableBytesView, revision: revision)
        return true
    }

    /// Names the operation and what it takes, nothing of the request.
    static func refusal(of operation: Operation) -> AlulaError {
        let roles = operation.permission.map { $0.roles.sorted().map(\.rawValue) } ?? []
        return AlulaError(
            .permissionDenied,
            "this caller may not do that (\(operation))",
            help: "it takes \(roles.count == 1 ? "the role" : "one of the roles") "
                + roles.joined(separator: ", ")
                + ", and a scope that covers what is asked for: alula token list"
        )
    }

    static let unauthenticated = AlulaError(
        .unauthenticated,
        "a token is wanted, and none that is known and in force was shown",
        help: "give one with --token, --token-file, ALULA_TOKEN or connect(token=); an admin makes "
            + "one: alula token create"
    )

    private func isWithin(
        _ scope: TokenScope,
        _ operation: Operation,
        _ control: ByteBuffer
    ) throws(AlulaError) -> Bool {
        var fields: [ScopeField] = []
        switch operation.scope {
        case .narrowedAnswer: return true
        case .server: return false
        case .definitions, .wholeProject:
            guard scope.views == nil, scope.models == nil else { return false }
        case .project: break
        case .named(let named): fields = named
        }
        let request = try RequestScope(of: control, fields: fields)
        if case .definitions = operation.scope, request.project.isEmpty { return true }
        let snapshot = snapshot()
        guard let name = Self.project(request.project, snapshot), scope.covers(name) else {
            return false
        }
        return Self.covers(scope, snapshot, name, fields, request.names)
    }

    /// An empty name means the only project there is.
    private static func project(_ name: String, _ snapshot: CatalogSnapshot) -> ProjectName? {
        guard name.isEmpty else { return ProjectName(name) }
        return snapshot.projects.count == 1 ? snapshot.projects.keys.first : nil
    }

    private static func covers(
        _ scope: TokenScope,
        _ snapshot: CatalogSnapshot,
        _ project: ProjectName,
        _ fields: [ScopeField],
        _ named: [[String]]
    ) -> Bool {
        let isByImport = zip(fields, named).contains { field, names in
            field.kind == .importID && !names.allSatisfy(\.isEmpty)
        }
        for (field, names) in zip(fields, named) {
            if field.whenEmpty == .everything, scope.views != nil, !isByImport,
                names.isEmpty || names.contains("")
            {
                return false
            }
            for name in names where !name.isEmpty {
                guard covers(scope, snapshot, project, field.kind, name) else { return false }
            }
        }
        return true
    }

    private static func covers(
        _ scope: TokenScope,
        _ snapshot: CatalogSnapshot,
        _ project: ProjectName,
        _ kind: ScopeField.Kind,
        _ name: String
    ) -> Bool {
        switch kind {
        case .view:
            return scope.views == nil || FeatureViewName(name).map(scope.covers) ?? false
        case .model:
            return scope.models == nil || RegisteredModelName(name).map(scope.covers) ?? false
        case .service:
            guard scope.views != nil else { return true }
            // Why it is not there is not for this caller.
            guard let project = snapshot.projects[project],
                let reference = try? FeatureServiceReference(text: name),
                let service = try? project.service(reference)
            else { return false }
            return service.projections.allSatisfy { projection in
                scope.covers(snapshot.viewName(projection.view) ?? projection.viewName)
            }
        case .importID, .run, .trainingSet, .artifact:
            return true  // looked up on a worker's thread
        }
    }
}

extension CatalogSnapshot.Project {
    /// Whether every view that the service reads is in the scope, by its present name.
    func covers(_ service: FeatureService, _ scope: TokenScope) -> Bool {
        guard scope.views != nil else { return true }
        return service.projections.allSatisfy { projection in
            let view = views.values.first { $0.id == projection.view }
            return scope.covers(view?.name ?? projection.viewName)
        }
    }

    /// What of the project the scope lets its holder know of.
    func narrowed(to scope: TokenScope) -> Self {
        guard scope.views != nil else { return self }
        var narrowed = self
        narrowed.views = views.filter { scope.covers($0.key) }
        narrowed.services = services.compactMapValues { versions in
            let seen = versions.filter { covers($0, scope) }
            return seen.isEmpty ? nil : seen
        }
        return narrowed
    }
}
