import Domain
import GRDB

/// Looks at what the tables of history say of each other.
struct StructureCheck {
    let views: [Int64: FeatureView]

    func problems(
        of store: OfflineStore,
        isCancelled: () -> Bool
    ) throws(AlulaError) -> [String] {
        try store.read { db in
            var problems = try namesNothing(db)
            problems += try leftovers(db) { store.merges.isWriting($0) }
            problems += try imports(db)
            problems += try blocks(db, isCancelled)
            return problems
        }
    }

    private func namesNothing(_ db: Database) throws -> [String] {
        let groups = try Row.fetchAll(
            db,
            sql: """
                SELECT id, segment FROM row_group
                WHERE segment NOT IN (SELECT id FROM segment)
                """
        ).map { "group \($0[0] as Int64): its segment \($0[1] as Int64) does not exist" }
        let segments = try Row.fetchAll(
            db,
            sql: """
                SELECT id, merge FROM segment
                WHERE merge IS NOT NULL AND merge NOT IN (SELECT id FROM merge)
                """
        ).map { "segment \($0[0] as Int64): its merge \($0[1] as Int64) does not exist" }
        return groups + segments
    }

    /// A merge that nobody runs goes at the next start; here nobody should have to wait for it.
    private func leftovers(
        _ db: Database,
        isWriting: (Int64) -> Bool
    ) throws -> [String] {
        let unfinished = try Row.fetchAll(
            db,
            sql: "SELECT id, view FROM merge WHERE state = 'writing'"
        ).filter { !isWriting($0[0]) }
        let inputs = try Row.fetchAll(
            db,
            sql: """
                SELECT i.merge, i.segment FROM merge_input i
                WHERE i.merge NOT IN (SELECT id FROM merge WHERE state = 'staged')
                    OR i.segment NOT IN (SELECT id FROM segment)
                """
        )
        return unfinished.map {
            "\(name($0[1])): merge \($0[0] as Int64) did not come to its end; it goes at the next "
                + "start"
        }
            + inputs.map {
                "merge \($0[0] as Int64) is to replace segment \($0[1] as Int64), and one of the "
                    + "two does not exist"
            }
    }

    /// Deletion takes staged rows and leaves their numbers, and a merge takes what is published.
    private func imports(_ db: Database) throws -> [String] {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT i.id, i.view, i.rows,
                    (SELECT IFNULL(SUM(rows), 0) FROM segment WHERE import = i.number),
                    i.log_entry IS NULL
                        AND NOT EXISTS (SELECT 1 FROM removal WHERE kind = 'forget')
                FROM import i
                """
        )
        var problems: [String] = []
        for row in rows {
            let (id, view, told, held): (String, Int64, Int64, Int64) = (
                row[0], row[1], row[2], row[3]
            )
            if views[view] == nil {
                problems.append("import \(id) is of view \(view), which the catalog does not have")
            }
            if held > told || row[4] && held != told {
                problems.append(
                    "import \(id) has staged \(told) rows and its segments have \(held)"
                )
            }
        }
        return problems
    }

    /// Each block is of one group.
    private func blocks(_ db: Database, _ isCancelled: () -> Bool) throws -> [String] {
        let groups = try Row.fetchCursor(
            db,
            sql: "SELECT first_block, blocks, id FROM row_group ORDER BY first_block"
        )
        let blocks = try Int64.fetchCursor(db, sql: "SELECT id FROM block ORDER BY id")
        var problems: [String] = []
        var owned: Range<Int64> = 0..<0
        var owner: Int64 = 0
        var orphans: ClosedRange<Int64>?
        func report() {
            guard let found = orphans else { return }
            let text = found.count == 1 ? "block \(found.lowerBound) is" : "blocks \(found) are"
            problems.append("\(text) of no row group")
            orphans = nil
        }
        var seen = 0
        while let block = try blocks.next() {
            seen += 1
            if seen % 4_096 == 0 { try checkCancelled(isCancelled) }
            while owned.upperBound <= block, let row = try groups.next() {
                let (first, count, group): (Int64, Int64, Int64) = (row[0], row[1], row[2])
                if first < owned.upperBound {
                    problems.append("groups \(owner) and \(group) name the same blocks")
                }
                owned = first..<max(first, first + count)
                owner = group
            }
            if owned.contains(block) {
                report()
            } else if let last = orphans, last.upperBound + 1 == block {
                orphans = last.lowerBound...block
            } else {
                report()
                orphans = block...block
            }
        }
        report()
        while let row = try groups.next() {
            let (first, count, group): (Int64, Int64, Int64) = (row[0], row[1], row[2])
            if first < owned.upperBound {
                problems.append("groups \(owner) and \(group) name the same blocks")
            }
            owned = first..<max(first, first + count)
            owner = group
        }
        return problems
    }

    private func name(_ view: Int64) -> String {
        views[view].map { "view \($0.name)" } ?? "view \(view)"
    }
}
