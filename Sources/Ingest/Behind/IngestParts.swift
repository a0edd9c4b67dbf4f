import Domain
import Offline
import Online
import RocksDB

/// What the work behind the writes needs: the stores, the one way to write, and how far history has
/// followed.
struct IngestParts: Sendable {
    let database: Database
    let online: OnlineStore
    let offline: OfflineStore
    let writer: Writer
    let follower: Follower
    let catalog: @Sendable () -> CatalogSnapshot
    let now: @Sendable () -> Timestamp

    var records: WithdrawalRecords { WithdrawalRecords(database: database) }

    /// Views of all projects, those that take no rows too.
    func views() -> [FeatureView] {
        catalog().projects.values.flatMap(\.views.values).sorted { $0.id.number < $1.id.number }
    }

    /// The view, also where it was dropped.
    func viewOrDropped(_ id: FeatureViewID) -> FeatureView? {
        let snapshot = catalog()
        return snapshot.view(id: id) ?? snapshot.droppedViews.first { $0.view.id == id }?.view
    }

    /// Writes what needs no answer but its end.
    func finish(_ work: FinishedWork) throws(AlulaError) { _ = try writer.run(.finish(work)) }
}

/// Lets one at a time do something that takes long.
struct Turn: Sendable {
    private let isTaken = Waitable(false)

    /// Waits for the turn, and gives it back after the body.
    func with<Result>(
        _ isCancelled: () -> Bool,
        _ body: () throws(AlulaError) -> Result
    ) throws(AlulaError) -> Result {
        while true {
            let mine: Void? = isTaken.wait(until: .now + .milliseconds(100)) { isTaken in
                if isTaken { return nil }
                isTaken = true
                return ()
            }
            if mine != nil { break }
            guard !isCancelled() else {
                throw AlulaError(.cancelled, "it was stopped while another of its kind was running")
            }
        }
        defer { isTaken.update { $0 = false } }
        return try body()
    }
}
