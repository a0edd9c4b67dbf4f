import Codec
package import Domain
package import RocksDB

/// A row as it stands in the online store, without its values.
package struct StandingRow: Sendable, Hashable {
    /// The key in the family `rows`.
    package var onlineKey: [UInt8]
    package var order: RowOrder

    /// The entity key in canonical bytes.
    package var key: [UInt8] { Array(OnlineKey.parts(onlineKey)?.key ?? []) }
}

extension OnlineStore {
    /// The rows of a view that `isWanted`, behind `after` in key order, and where to go on; nil at the
    /// end.
    ///
    /// Looks at no more than `limit` rows of the entity's views, so that no reader stays open for long.
    package func standingRows(
        of view: FeatureView,
        after: [UInt8]?,
        limit: Int,
        where isWanted: (RowOrder) -> Bool
    ) throws(AlulaError) -> (rows: [StandingRow], next: [UInt8]?) {
        let first = OnlineKey.prefix(view.entity.id, [])
        var rows: [StandingRow] = []
        var seen = 0
        var last: [UInt8]?
        let start = after.map { $0 + [0] } ?? first
        try database.scanSpans(.rows, from: start) { key, value throws(AlulaError) in
            guard key.starts(with: first) else {
                last = nil
                return false
            }
            guard seen < limit else { return false }
            seen += 1
            last = key
            if OnlineKey.parts(key)?.view == view.id {
                let order = try RowCodec.header(value).order
                if isWanted(order) { rows.append(StandingRow(onlineKey: key, order: order)) }
            }
            return true
        }
        return (rows, seen < limit ? nil : last)
    }

    /// Makes each of these keys what history says: its newest row, where one is given and it is newer
    /// than what stands there, or nothing, where only a retracted row stands there.
    ///
    /// Answers how many rows changed or went.
    package func restore(
        _ keys: [[UInt8]],
        newest rows: FeatureRows,
        at positions: [LogPosition],
        of view: FeatureView,
        retracted: [ClosedRange<UInt64>],
        into batch: WriteBatch,
        pending: inout PendingRows
    ) throws(AlulaError) -> Int {
        let sorted = Self.sorted(keys)
        let stored = try storedOrders(sorted)
        let statuses = try apply(
            rows,
            of: view,
            from: .history(positions),
            retracted: retracted,
            into: batch,
            pending: &pending
        )
        var count = statuses.count { $0 == .accepted }
        for index in 0..<sorted.count {
            let key = sorted[index]
            if let order = order(key, stored: stored[index], pending, batch),
                retracted.contain(order)
            {
                delete(key, isStored: stored[index] != nil, from: batch, &pending)
                count += 1
            }
            pending.replacedRetracted.remove(key)
        }
        return count
    }

    /// Deletes the rows of these keys that are older than `time` and of log entries up to `entry`;
    /// answers how many.
    package func expire(
        _ keys: [[UInt8]],
        before time: Timestamp,
        through entry: UInt64,
        into batch: WriteBatch,
        pending: inout PendingRows
    ) throws(AlulaError) -> Int {
        let sorted = Self.sorted(keys)
        let stored = try storedOrders(sorted)
        var count = 0
        for index in 0..<sorted.count {
            guard let order = order(sorted[index], stored: stored[index], pending, batch),
                order.event < time, order.position.entry <= entry
            else { continue }
            delete(sorted[index], isStored: stored[index] != nil, from: batch, &pending)
            count += 1
        }
        return count
    }

    /// Deletes the rows of an entity key, in canonical bytes, in all views.
    ///
    /// `views` may have rows of it in the batch that are not written yet.
    package func forget(
        _ key: [UInt8],
        of entity: EntityID,
        views: [FeatureViewID],
        into batch: WriteBatch,
        pending: inout PendingRows
    ) throws(AlulaError) {
        let prefix = OnlineKey.prefix(entity, key)
        var keys = Set(views.map { OnlineKey.make(entity, key, $0)[...] })
        var stored: Set<ArraySlice<UInt8>> = []
        try database.scan(.rows, from: prefix) { key, _ in
            guard key.starts(with: prefix) else { return false }
            keys.insert(key[...])
            stored.insert(key[...])
            return true
        }
        for key in keys {
            delete(key, isStored: stored.contains(key), from: batch, &pending)
            pending.replacedRetracted.remove(key)
        }
    }

    /// The keys in the family `rows` of an entity key in canonical bytes.
    package static func range(
        of key: [UInt8],
        in entity: EntityID
    ) -> (first: [UInt8], last: [UInt8]) {
        let prefix = OnlineKey.prefix(entity, key)
        return (prefix, prefix + [0xFF, 0xFF, 0xFF, 0xFF])
    }

    /// The key in the family `rows`.
    package static func onlineKey(
        _ key: [UInt8],
        of entity: EntityID,
        in view: FeatureViewID
    ) -> [UInt8] { OnlineKey.make(entity, key, view) }

    /// The view and the entity key that a key of the family `rows` names; nil where it is none.
    package static func parts(_ onlineKey: [UInt8]) -> (key: [UInt8], view: FeatureViewID)? {
        OnlineKey.parts(onlineKey).map { (Array($0.key), $0.view) }
    }

    private static func sorted(_ keys: [[UInt8]]) -> SortedKeys {
        var list = LookupKeys(reservingKeys: keys.count, bytes: 32 * keys.count)
        for key in keys { list.append { $0.append(contentsOf: key) } }
        return list.sorted()
    }
}
