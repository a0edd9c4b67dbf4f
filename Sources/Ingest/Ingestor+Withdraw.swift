import Codec
package import Domain
import Log
package import Offline
import Online

extension Ingestor {
    /// Hides the rows of these log entries, of one view or of all, from a new log entry on, which is
    /// answered; a repeat with the same request id answers the first one's.
    ///
    /// Durable when it returns. Online, retracted rows are still read until `restoreOnline` has come to
    /// them, which is also done in the background.
    package func retract(
        _ entries: ClosedRange<UInt64>,
        view: FeatureView?,
        requestID: [UInt8]
    ) throws(AlulaError) -> UInt64 {
        if let earlier = try earlierAnswer(requestID) { return Committer.entry(earlier) }
        return Committer.entry(
            try bytes(
                .retract(RetractJob(view: view?.id, entries: entries, requestID: requestID))
            )
        )
    }

    /// Gives every online row of these views that was retracted its place to the newest row of history
    /// that is not hidden, or deletes it where there is none; answers how many changed or went.
    ///
    /// Waits until history has followed. Throws `cancelled` between batches; what is restored then stays,
    /// and the rest is done in the background.
    package func restoreOnline(
        views: [FeatureView],
        cancelled: () -> Bool,
        progress: (FeatureViewName, _ keysDone: UInt64, _ rowsRestored: UInt64) -> Void
    ) throws(AlulaError) -> UInt64 {
        try restoration.run(views: views, isCancelled: cancelled, progress: progress)
    }

    /// How many retracted online rows of these views changed or went since the start, by
    /// `restoreOnline` or in the background, whichever was first.
    package func restoredRows(of views: [FeatureView]) -> UInt64 {
        restoration.restoredRows(of: views)
    }

    /// Takes the rows of a key out of all answers of all views of the entity, and deletes them online in
    /// the same batch; answers the log entry, that of the first call with this request id.
    ///
    /// Rows pushed later for the same key live. `finishForgetting` takes the bytes from the files.
    package func forget(
        _ key: EntityKey,
        of entity: Entity,
        views: [FeatureView],
        requestID: [UInt8]
    ) throws(AlulaError) -> UInt64 {
        if let earlier = try earlierAnswer(requestID) { return Committer.entry(earlier) }
        let bytes = try canonical(key, of: entity)
        guard views.allSatisfy({ $0.entity.id == entity.id }) else {
            throw .invalid("a key of entity \(entity.name) is not one of a view of another")
        }
        let job = ForgetJob(
            entity: entity.id,
            views: views.map(\.id),
            key: bytes,
            keyHash: keyHash(bytes, of: entity.id),
            requestID: requestID
        )
        return Committer.entry(try self.bytes(.forget(job)))
    }

    /// Makes the bytes of all keys forgotten before the call disappear from the files of the directory.
    ///
    /// Waits until history has followed, lets the caller blank the stored spines, then rewrites what
    /// holds the bytes online and in history. To be called again after a failure, a cancellation or a
    /// crash, as long as the offline store has pending erasures; safe to run twice.
    package func finishForgetting(
        blankSpines: (OfflineStore.PendingErasure) throws(AlulaError) -> Void,
        cancelled: () -> Bool,
        progress: (_ step: String, _ done: UInt64, _ total: UInt64) -> Void
    ) throws(AlulaError) {
        try forgetting.finish(
            blankSpines: blankSpines,
            isCancelled: cancelled,
            progress: progress
        )
    }

    /// Takes out of a view what its retention rule takes, in history and online; answers how many rows
    /// of history that are, and changes nothing where `dryRun`.
    package func retire(
        _ view: FeatureView,
        dryRun: Bool,
        cancelled: () -> Bool,
        progress: (_ done: UInt64, _ total: UInt64) -> Void
    ) throws(AlulaError) -> UInt64 {
        try retention.run(view, dryRun: dryRun, isCancelled: cancelled, progress: progress)
    }

    /// Looks soon for views that were dropped, and erases what they have.
    package func eraseDropped() { maintenance.hurry() }

    /// How many online rows each of the views has of a key: none or one.
    package func countOnline(
        _ key: EntityKey,
        of entity: Entity,
        views: [FeatureView]
    ) throws(AlulaError) -> [FeatureViewID: UInt64] {
        try online.count(
            try canonical(key, of: entity),
            of: entity.id,
            in: views.map(\.id)
        )
    }

    /// Reads every online row of these views, and the keys of all others, and says what is wrong; no
    /// more than a hundred problems are spelled out.
    package func verifyOnline(
        views: [FeatureView],
        cancelled: () -> Bool,
        progress: (_ done: UInt64, _ total: UInt64) -> Void
    ) throws(AlulaError) -> (rows: UInt64, problems: [String]) {
        let log = FeatureLog(database)
        var verifier = OnlineVerifier(
            online,
            selected: Set(views.map(\.id)),
            lastEntry: { () throws(AlulaError) in try log.last() },
            view: { id in
                let snapshot = self.catalog()
                return snapshot.view(id: id)
                    ?? snapshot.droppedViews.first { $0.view.id == id }?.view
            }
        )
        let total = verifier.estimatedRows
        var after: [UInt8]?
        repeat {
            guard !cancelled() else { throw AlulaError(.cancelled, "the check was stopped") }
            after = verifier.next(after: after, limit: Self.verifiedRows)
            progress(verifier.rowsSeen, max(verifier.rowsSeen, total))
        } while after != nil
        return (verifier.check.rows, verifier.check.sentences)
    }

    private static let verifiedRows = 8_192

    private func canonical(_ key: EntityKey, of entity: Entity) throws(AlulaError) -> [UInt8] {
        guard key.parts.map(\.type) == entity.keys.map(\.type) else {
            throw .invalid("the key does not have the parts of entity \(entity.name)")
        }
        let bytes = KeyCodec.encode(key)
        guard bytes.count <= Limits.keyBytes else {
            throw .invalid("the key is over the limit of \(Limits.keyBytes) bytes")
        }
        return bytes
    }
}
