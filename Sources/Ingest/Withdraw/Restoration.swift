import Domain
import Offline
import Online

/// Makes the online rows right after retractions: where a retracted row stands, or a row that took its
/// place, the newest row that is not hidden comes.
struct Restoration: Sendable {
    let parts: IngestParts
    private let turn = Turn()
    /// Rows that came online, whoever asked for it.
    private let restored = Waitable<[FeatureViewID: UInt64]>([:])

    /// Rows of the online store looked at with one reader.
    private static let scanRows = 16_384
    /// Keys looked up in history at once.
    private static let batchKeys = 1_024

    init(_ parts: IngestParts) { self.parts = parts }

    /// Whether there is something to do.
    func isPending() throws(AlulaError) -> Bool {
        if try !parts.records.retractions().isEmpty { return true }
        return try !parts.records.keysToRestore(after: nil, limit: 1).isEmpty
    }

    /// Restores these views as far as anything was retracted; answers how many rows came online.
    ///
    /// What was retracted of all views is done when all of them are among these. Throws `cancelled`;
    /// the next call goes on.
    func run(
        views: [FeatureView],
        isCancelled: () -> Bool,
        progress: (FeatureViewName, _ keysDone: UInt64, _ rowsRestored: UInt64) -> Void
    ) throws(AlulaError) -> UInt64 {
        try turn.with(isCancelled) { () throws(AlulaError) in
            var restored: UInt64 = 0
            var seen: Set<UInt64> = []
            while try round(views, &seen, &restored, isCancelled, progress) {}
            return restored
        }
    }

    /// How many rows of these views came online since the server started.
    func restoredRows(of views: [FeatureView]) -> UInt64 {
        restored.read { counts in views.reduce(0) { $0 + (counts[$1.id] ?? 0) } }
    }

    /// One pass over what is pending and was not `seen`; answers whether there was something.
    private func round(
        _ views: [FeatureView],
        _ seen: inout Set<UInt64>,
        _ restored: inout UInt64,
        _ isCancelled: () -> Bool,
        _ progress: Progress
    ) throws(AlulaError) -> Bool {
        let all = try parts.records.retractions()
        let pending = all.filter { retraction in
            !seen.contains(retraction.logEntry) && views.contains { retraction.concerns($0.id) }
        }
        let marked = try viewsOfMarkedKeys()
        if let last = pending.map(\.logEntry).max() {
            try parts.follower.wait(for: last, isCancelled: isCancelled)
        }
        var hasWorked = false
        for view in views {
            let ranges = pending.filter { $0.concerns(view.id) }.map(\.entries)
            guard !ranges.isEmpty || marked.contains(view.id) else { continue }
            hasWorked = true
            var pass = Pass(view: view)
            if !ranges.isEmpty { try restoreRetracted(ranges, &pass, isCancelled, progress) }
            try restoreMarked(&pass, isCancelled, progress)
            restored += pass.rowsRestored
            progress(view.name, pass.keysDone, pass.rowsRestored)
        }
        seen.formUnion(pending.map(\.logEntry))
        let done = finished(all.filter { seen.contains($0.logEntry) || isOrphan($0) }, views)
        if !done.isEmpty { try parts.finish(.retractions(done)) }
        return hasWorked
    }

    private typealias Progress = (FeatureViewName, _ keysDone: UInt64, _ rowsRestored: UInt64) ->
        Void

    private struct Pass {
        let view: FeatureView
        var keysDone: UInt64 = 0
        var rowsRestored: UInt64 = 0
    }

    /// Those of which every view was looked at, or does not exist any more.
    private func finished(
        _ retractions: [Withdrawals.Retraction],
        _ views: [FeatureView]
    ) -> Set<UInt64> {
        let done = Set(views.map(\.id))
        let known = Set(parts.views().map(\.id))
        return Set(
            retractions.filter { retraction in
                retraction.view != nil || known.isSubset(of: done)
            }.map(\.logEntry)
        )
    }

    /// Whether its view does not exist any more.
    private func isOrphan(_ retraction: Withdrawals.Retraction) -> Bool {
        retraction.view.map { parts.catalog().view(id: $0) == nil } ?? false
    }

    private func restoreRetracted(
        _ ranges: [ClosedRange<UInt64>],
        _ pass: inout Pass,
        _ isCancelled: () -> Bool,
        _ progress: Progress
    ) throws(AlulaError) {
        var keys: [[UInt8]] = []
        var after: [UInt8]?
        repeat {
            guard !isCancelled() else { throw .restorationStopped(pass.view.name) }
            let found = try parts.online.standingRows(
                of: pass.view,
                after: after,
                limit: Self.scanRows
            ) { order in ranges.contains { $0.contains(order.position.entry) } }
            keys.append(contentsOf: found.rows.map(\.onlineKey))
            after = found.next
            while keys.count >= Self.batchKeys || (after == nil && !keys.isEmpty) {
                try restore(Array(keys.prefix(Self.batchKeys)), &pass, isCancelled, progress)
                keys.removeFirst(min(Self.batchKeys, keys.count))
            }
        } while after != nil
    }

    private func restoreMarked(
        _ pass: inout Pass,
        _ isCancelled: () -> Bool,
        _ progress: Progress
    ) throws(AlulaError) {
        var after: [UInt8]?
        repeat {
            let keys = try parts.records.keysToRestore(after: after, limit: Self.batchKeys)
            after = keys.count < Self.batchKeys ? nil : keys.last
            let mine = keys.filter { OnlineStore.parts($0)?.view == pass.view.id }
            if !mine.isEmpty { try restore(mine, &pass, isCancelled, progress) }
        } while after != nil
    }

    /// The views of keys marked; marks of views that do not exist any more are taken away.
    private func viewsOfMarkedKeys() throws(AlulaError) -> Set<FeatureViewID> {
        var found: Set<FeatureViewID> = []
        let snapshot = parts.catalog()
        var after: [UInt8]?
        repeat {
            let keys = try parts.records.keysToRestore(after: after, limit: Self.batchKeys)
            after = keys.count < Self.batchKeys ? nil : keys.last
            var orphans: [[UInt8]] = []
            for key in keys {
                if let view = OnlineStore.parts(key)?.view, snapshot.view(id: view) != nil {
                    found.insert(view)
                } else {
                    orphans.append(key)
                }
            }
            if !orphans.isEmpty { try parts.finish(.keysToRestore(orphans)) }
        } while after != nil
        return found
    }

    /// Restores some keys of the family `rows`, ascending.
    private func restore(
        _ onlineKeys: [[UInt8]],
        _ pass: inout Pass,
        _ isCancelled: () -> Bool,
        _ progress: Progress
    ) throws(AlulaError) {
        let keys = onlineKeys.compactMap { OnlineStore.parts($0)?.key }
        while true {
            guard !isCancelled() else { throw .restorationStopped(pass.view.name) }
            let newest: NewestRows
            do throws(AlulaError) {
                // A pushed row may be as far ahead of now as this, and is online.
                newest = try parts.offline.newestRows(
                    of: pass.view,
                    keys: keys,
                    notAfter: parts.now() + Limits.maxSkew
                )
            } catch {
                guard error.code == .resourceExhausted, onlineKeys.count > 1 else { throw error }
                let half = onlineKeys.count / 2
                try restore(Array(onlineKeys[..<half]), &pass, isCancelled, progress)
                return try restore(Array(onlineKeys[half...]), &pass, isCancelled, progress)
            }
            let job = RestoreJob(view: pass.view, keys: onlineKeys, newest: newest)
            switch try parts.writer.run(.restore(job)) {
            case .stale(let entry):
                try parts.follower.wait(for: entry, isCancelled: isCancelled)
            case .rowsWritten(let count):
                pass.rowsRestored += UInt64(count)
                pass.keysDone += UInt64(onlineKeys.count)
                restored.update { $0[pass.view.id, default: 0] += UInt64(count) }
                return progress(pass.view.name, pass.keysDone, pass.rowsRestored)
            case .bytes, .entry: throw .otherKindOfWrite
            }
        }
    }
}

extension AlulaError {
    fileprivate static func restorationStopped(_ view: FeatureViewName) -> AlulaError {
        AlulaError(.cancelled, "restoring the online rows of view \(view) was stopped")
    }

    static var otherKindOfWrite: AlulaError {
        AlulaError(.internal, "the writer answered another kind of write")
    }
}
