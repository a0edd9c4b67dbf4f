import Codec
package import Domain
import GRDB
import Offline

/// What a look at all of the prediction log has found.
package struct ServedCheck: Sendable {
    /// The first of them, in a sentence each that names the model, the segment and the column.
    package private(set) var problems: [String] = []
    package private(set) var problemCount: UInt64 = 0
    package fileprivate(set) var segments: UInt64 = 0
    package fileprivate(set) var rows: UInt64 = 0
    package fileprivate(set) var blocks: UInt64 = 0

    private static let mostProblems = 100

    fileprivate mutating func add(_ problem: String) {
        problemCount += 1
        if problems.count < Self.mostProblems { problems.append(problem) }
    }
}

extension ServedLog {
    /// Reads every block of every segment and compares counts, order and times with its table; no
    /// segments are merged meanwhile.
    package func verify(
        isCancelled: () -> Bool,
        progress: (_ done: UInt64, _ total: UInt64) -> Void
    ) throws(AlulaError) -> ServedCheck {
        let pass = ScanPass(readers)
        defer { withExtendedLifetime(pass) {} }
        var check = ServedCheck()
        let ids = try offline.readBeside { db in
            try Int64.fetchAll(db, sql: "SELECT id FROM served_segment ORDER BY id")
        }
        for (done, id) in ids.enumerated() {
            guard !isCancelled() else { throw .cancelled() }
            let found = try offline.readBeside { try SegmentCheck(id, ServedFile($0)) }
            // Nil where deletion or retention took it meanwhile.
            if let found {
                check.segments += 1
                check.rows += UInt64(found.rows)
                check.blocks += UInt64(found.blocks)
                for problem in found.problems { check.add(problem) }
            }
            progress(UInt64(done + 1), UInt64(ids.count))
        }
        let strays = try offline.readBeside { db in
            try Int.fetchOne(
                db,
                sql: """
                    SELECT COUNT(*) FROM served_block
                    WHERE number / \(ServedFile.mostColumns) NOT IN (SELECT id FROM served_segment)
                    """
            ) ?? 0
        }
        if strays > 0 {
            check.add("the prediction log has \(strays) columns that are of no segment")
        }
        return check
    }
}

extension AlulaError {
    fileprivate static func cancelled() -> AlulaError {
        AlulaError(.cancelled, "the check was cancelled")
    }
}

/// One segment, read whole in one snapshot.
private struct SegmentCheck {
    private(set) var problems: [String] = []
    let rows: Int
    private(set) var blocks = 0

    /// Nil where it is gone.
    init?(_ id: Int64, _ file: ServedFile) throws {
        let stored: ServedSegment
        do {
            guard let found = try file.segment(id) else { return nil }
            stored = found
        } catch let error as AlulaError {
            rows = 0
            problems = ["segment \(id) of the prediction log cannot be read: \(error.message)"]
            return
        }
        rows = stored.rows
        let what =
            switch stored.kind {
            case .vectors: "vectors of version \(stored.version)"
            case .predictions: "predictions"
            case .outcomes: "outcomes"
            case .failures: "failures"
            }
        let title = "prediction log of \(stored.name.model), segment \(id) (\(what))"
        let sizes = try Row.fetchAll(
            file.db,
            sql: """
                SELECT COUNT(*), ifnull(SUM(length(bytes)), 0) FROM served_block
                WHERE number BETWEEN ? AND ?
                """,
            arguments: [id * ServedFile.mostColumns, (id + 1) * ServedFile.mostColumns - 1]
        )
        let (count, bytes): (Int, Int) = (sizes[0][0], sizes[0][1])
        blocks = count
        let expected = stored.layout.entries.count + (stored.distinctRows == nil ? 0 : 1)
        if count != expected {
            problems.append("\(title): it has \(count) columns, its layout names \(expected)")
        }
        if bytes != stored.bytes {
            problems.append(
                "\(title): its columns have \(bytes) bytes, \(stored.bytes) were written"
            )
        }
        var times: [[Int64]] = []
        for (place, entry) in stored.layout.entries.enumerated() {
            do {
                let column = try file.columns([place], of: stored)[0]
                let isInOrder = entry.content == .stamp || entry.content == .rest
                if isInOrder || entry.content == .time { times.append(column.int64s) }
            } catch let error as AlulaError {
                let name = entry.name.isEmpty ? entry.content.rawValue : entry.name
                problems.append("\(title), column \(place) (\(name)): \(error.message)")
            }
        }
        // Where a column of these is damaged, there is nothing to compare.
        guard times.count >= 2, times[0].count == rows, times[1].count == rows else { return }
        check(stored, title, times)
    }

    private mutating func check(_ stored: ServedSegment, _ title: String, _ times: [[Int64]]) {
        let (stamps, rests) = (times[0], times[1])
        guard rows > 0 else {
            problems.append("\(title): it has no rows")
            return
        }
        if stamps[0] != stored.first || stamps[rows - 1] != stored.last {
            problems.append("\(title): its rows are of another span of time than its table says")
        }
        let ids = zip(stamps, rests).map { PredictionID(stamp: $0, rest: $1) }
        let pairs = zip(ids, ids.dropFirst())
        let unordered =
            switch stored.kind {
            case .vectors, .predictions, .failures: pairs.count { $0 >= $1 }
            // A prediction may have several outcomes.
            case .outcomes: pairs.count { $0 > $1 }
            }
        if unordered > 0 {
            problems.append("\(title): \(unordered) rows are out of order, or twice")
        }
        let strangers = ids.count {
            !$0.isLogged || stored.kind == .vectors && $0.version != stored.version
        }
        if strangers > 0 {
            problems.append("\(title): \(strangers) ids are of no vector that it may hold")
        }
    }
}
