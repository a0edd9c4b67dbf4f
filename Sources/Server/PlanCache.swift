import Domain
import Synchronization

/// Plans by (project, service version, catalog snapshot): compiled once, shared by all calls.
final class PlanCache: Sendable {
    /// A plan with the number that names it on the wire.
    struct Entry: Sendable {
        let id: UInt64
        let plan: FeaturePlan
    }

    private struct Key: Hashable {
        let project: ProjectName
        let service: FeatureServiceName
        let version: UInt32
    }

    private struct State {
        var revision: UInt64 = 0
        var entries: [Key: Entry] = [:]
    }

    private let state = Mutex(State())

    /// The plan of the version asked for, or of the newest.
    func plan(
        _ reference: FeatureServiceReference,
        in project: CatalogSnapshot.Project,
        of snapshot: CatalogSnapshot
    ) throws(AlulaError) -> Entry {
        let service = try project.service(reference)
        let key = Key(project: project.name, service: service.name, version: service.version)
        let known = state.withLock { state -> Entry? in
            guard state.revision == snapshot.revision else { return nil }
            return state.entries[key]
        }
        if let known { return known }
        let entry = Entry(
            id: Self.number(key, snapshot.revision),
            plan: try service.plan(in: snapshot)
        )
        state.withLock { state in
            if state.revision < snapshot.revision {
                state = State(revision: snapshot.revision)
            }
            if state.revision == snapshot.revision { state.entries[key] = entry }
        }
        return entry
    }

    /// FNV-1a over all that a plan depends on; never 0, which means that none is known.
    private static func number(_ key: Key, _ revision: UInt64) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        let text = "\(key.project)\u{0}\(key.service)\u{0}\(key.version)\u{0}\(revision)"
        for byte in text.utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
        }
        return max(hash, 1)
    }
}
