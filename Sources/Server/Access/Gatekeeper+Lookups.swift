import Catalog
import Domain
import Offline
import Registry
import Trust
import Wire

extension Dispatcher {
    /// Looks up what the request names by an id, where the caller has a scope: what is not in it is
    /// refused in the same words as what is not there.
    ///
    /// Runs on a worker's thread, before anything else of the request is decoded.
    func checkLookups(_ call: Call) throws(AlulaError) {
        let scope = call.identity.scope
        guard !scope.isEverything, case .named(let fields) = call.operation.scope else { return }
        let looked = fields.filter(\.kind.isLookedUp)
        guard !looked.isEmpty else { return }
        let request = try RequestScope(of: call.control, fields: looked)
        for (field, names) in zip(looked, request.names) {
            for name in names where !name.isEmpty {
                guard try isCovered(field.kind, name, scope) else {
                    throw Gatekeeper.refusal(of: call.operation)
                }
            }
        }
    }

    private func isCovered(
        _ kind: ScopeField.Kind,
        _ name: String,
        _ scope: TokenScope
    ) throws(AlulaError) -> Bool {
        switch kind {
        case .importID:
            let found: OfflineStore.ImportRecord? = try orNil { () throws(AlulaError) in
                try services.offline.importRecord(id: name)
            }
            guard let found else { return false }
            let view = services.catalog.snapshot.view(id: found.descriptor.view)
            return scope.covers(found.descriptor.project)
                && (scope.views == nil || view.map { scope.covers($0.name) } ?? false)
        case .trainingSet:
            guard let id = try? TrainingSetID(name, as: "training set"),
                let found = try services.registry.trainingSet(id)
            else { return false }
            return scope.covers(found.project) && covers(found, scope)
        case .artifact:
            guard let digest = try? ContentDigest(hex: name) else { return false }
            return try services.registry.models(holding: digest).contains { holder in
                scope.covers(holder.project) && scope.covers(holder.model)
            }
        case .view, .model, .service, .run:
            return true
        }
    }

    /// Whether every view that a training set was made of is in the scope.
    func covers(_ record: TrainingSetRecord, _ scope: TokenScope) -> Bool {
        guard scope.views != nil else { return true }
        guard let project = services.catalog.snapshot.projects[record.project],
            let service = try? project.service(record.service)
        else { return false }
        return project.covers(service, scope)
    }

    private func orNil<T>(_ body: () throws(AlulaError) -> T) throws(AlulaError) -> T? {
        let result = Result { () throws(AlulaError) in try body() }
        if case .failure(let error) = result, error.code == .notFound { return nil }
        return try result.get()
    }
}

extension ScopeField.Kind {
    fileprivate var isLookedUp: Bool {
        switch self {
        case .importID, .trainingSet, .artifact: true
        // Runs are found in the caller's project only.
        case .view, .model, .service, .run: false
        }
    }
}
