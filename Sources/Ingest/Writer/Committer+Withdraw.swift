import Codec
import Domain
import Log
import Offline
import Online

extension Committer {
    func retract(_ job: RetractJob, in group: inout Group) throws(AlulaError) -> UInt64 {
        guard job.entries.lowerBound > 0, job.entries.upperBound <= group.head.number else {
            throw .invalid(
                "log entries \(job.entries.lowerBound) to \(job.entries.upperBound) cannot be "
                    + "retracted: the log has entries 1 to \(group.head.number)"
            )
        }
        append(.retract(view: job.view, entries: job.entries), to: &group)
        let retraction = Withdrawals.Retraction(
            logEntry: group.head.number,
            view: job.view,
            entries: job.entries
        )
        records.put(retraction, in: group.batch)
        group.withdrawals.add(.retraction(retraction), logEntry: group.head.number)
        return group.head.number
    }

    /// The views are those of the job and all that the entity has by now.
    func forget(_ job: ForgetJob, in group: inout Group) throws(AlulaError) -> UInt64 {
        let known = group.snapshot.projects.values.flatMap(\.views.values)
            .filter { $0.entity.id == job.entity }.map(\.id)
        let views = Set(job.views + known).sorted { $0.number < $1.number }
        try online.forget(
            job.key,
            of: job.entity,
            views: views,
            into: group.batch,
            pending: &group.pending
        )
        for view in views {
            let onlineKey = OnlineStore.onlineKey(job.key, of: job.entity, in: view)
            records.deleteToRestore(onlineKey, in: group.batch)
        }
        append(
            .forget(entity: job.entity, views: views, key: job.key, keyHash: job.keyHash),
            to: &group
        )
        group.withdrawals.add(.forgotten(job.entity, key: job.key), logEntry: group.head.number)
        return group.head.number
    }

    func retire(_ job: RetireJob, in group: inout Group) -> UInt64 {
        append(.retire(view: job.view, merge: job.merge), to: &group)
        records.putRetentionTime(job.ran, job.view, in: group.batch)
        if let before = job.before {
            let expiry = WithdrawalRecords.Expiry(
                view: job.view,
                before: before,
                through: job.through
            )
            records.put(expiry, in: group.batch)
            group.withdrawals.add(.expired(expiry), logEntry: group.head.number)
        }
        return group.head.number
    }

    func materialize(_ job: MaterializeJob, in group: inout Group) throws(AlulaError) -> Job.Answer
    {
        let newest = job.newest
        guard newest.through >= group.withdrawals.floor else {
            return .stale(group.withdrawals.floor)
        }
        let (rows, positions) = newest.without(
            group.withdrawals.since(newest.through, of: job.view)
        )
        let statuses = try online.apply(
            rows,
            of: job.view,
            from: .history(positions),
            retracted: group.withdrawals.retracted(of: job.view.id, through: newest.through),
            into: group.batch,
            pending: &group.pending
        )
        return .rowsWritten(statuses.count { $0 == .accepted })
    }

    /// A retraction that came after the rows were read makes them stale: a row that it hides may have
    /// stood in front of another.
    func restore(_ job: RestoreJob, in group: inout Group) throws(AlulaError) -> Job.Answer {
        let newest = job.newest
        guard newest.through >= group.withdrawals.floor,
            !group.withdrawals.retracts(job.view.id, after: newest.through)
        else { return .stale(group.head.number) }
        let (rows, positions) = newest.without(
            group.withdrawals.since(newest.through, of: job.view)
        )
        let count = try online.restore(
            job.keys,
            newest: rows,
            at: positions,
            of: job.view,
            retracted: group.withdrawals.retracted(of: job.view.id),
            into: group.batch,
            pending: &group.pending
        )
        for key in job.keys { records.deleteToRestore(key, in: group.batch) }
        return .rowsWritten(count)
    }

    func finish(_ work: FinishedWork, in group: inout Group) {
        switch work {
        case .retractions(let entries):
            for entry in entries { records.deleteRetraction(entry, in: group.batch) }
            group.withdrawals.finish(entries)
        case .keysToRestore(let keys):
            for key in keys { records.deleteToRestore(key, in: group.batch) }
        case .expiry(let expiry):
            guard group.withdrawals.expiries[expiry.view] == expiry else { return }
            records.deleteExpiry(expiry.view, in: group.batch)
            group.withdrawals.finish(expiry)
        case .retention(let view, let ran):
            records.putRetentionTime(ran, view, in: group.batch)
        }
    }
}

extension NewestRows {
    /// What may still come online of rows that were read before this was withdrawn.
    fileprivate func without(
        _ withdrawn: WithdrawnSince?
    ) -> (rows: FeatureRows, positions: [LogPosition]) {
        guard let withdrawn else { return (rows, positions) }
        let kept = (0..<rows.count).filter { row in
            !withdrawn.takes(
                key: KeyCodec.encode(rows.keys, row: row),
                event: rows.eventTime(row),
                entry: positions[row].entry
            )
        }
        return (rows.taking(kept), kept.map { positions[$0] })
    }
}
