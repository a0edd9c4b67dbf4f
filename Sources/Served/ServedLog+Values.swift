import Codec
package import Domain
import Foundation
import Offline
import Synchronization

/// What became of one prediction or outcome.
///
/// The raw value is its code on the wire.
package enum LoggedStatus: UInt8, Sendable, Hashable, CaseIterable {
    /// Durable, and joined with its vector.
    case accepted = 0
    /// It is in the log already: the same outcome at the same time, or any prediction or failure.
    case duplicate = 1
    /// The id says that its vector was not kept.
    case notLogged = 2
    /// The log has no such vector: it was never given, was forgotten, or retention took it.
    case unknown = 3
    /// Its time lies ahead of now.
    case inFuture = 4
    /// Its time lies before the prediction.
    case beforePrediction = 5
    /// The id is none, the value is null, NaN or infinite, or a reason is too long.
    case invalid = 6
}

/// What is logged of a vector that was served.
package enum LoggedKind: String, Sendable, Hashable, CaseIterable {
    case prediction
    /// A prediction that could not be made; its value is why, a text.
    case failure
    case outcome

    var isOutcome: Bool { self == .outcome }

    var segments: ServedKind {
        switch self {
        case .prediction: .predictions
        case .failure: .failures
        case .outcome: .outcomes
        }
    }

    /// Where the log may have one of an id already: a vector has a prediction or a failure.
    fileprivate var earlier: [ServedKind] {
        isOutcome ? [.outcomes] : [.predictions, .failures]
    }
}

/// Predictions, failures, or outcomes with their times, in columns of one length.
package struct LoggedValues: Sendable {
    package var ids: Column
    package var values: Column
    /// Of outcomes; null and nil are now.
    package var times: Column?
    package var kind: LoggedKind

    package init(ids: Column, values: Column, times: Column?, kind: LoggedKind) {
        self.ids = ids
        self.values = values
        self.times = times
        self.kind = kind
    }

    /// Bytes of a reason: a word or a sentence, and no place for a vector.
    package static let mostReasonBytes = 200

    var isOutcome: Bool { kind.isOutcome }
}

extension ServedLog {
    /// Adds predictions, failures or outcomes to the vectors of these ids; durable when it returns.
    ///
    /// Every row has a status. A repeat with the same request id answers what the first did.
    package func log(
        _ given: LoggedValues,
        for name: ServedModel.Name,
        requestID: [UInt8],
        answer: ([LoggedStatus]) throws -> [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        turn.lock()
        defer { turn.unlock() }
        let (first, fixed) = try offline.readBeside { db in
            let file = ServedFile(db)
            let type =
                try given.kind == .failure
                ? .string
                : file.fixedType(
                    of: name,
                    given.isOutcome
                )
            return (try file.answer(to: requestID), type)
        }
        if let first { return first }
        let what = given.kind == .failure ? "reason" : given.kind.rawValue
        let values = try LoggedType.cast(given.values, to: fixed, what, of: name.model)
        let now = now()
        var rows = LoggedRows(given, values, now: now)
        try find(&rows, given, values, name)
        let table = rows.table(values, isOutcome: given.isOutcome, now: now)
        let statuses = rows.statuses
        let bytes = try offline.writeBeside { db in
            let file = ServedFile(db)
            if table.rows > 0 {
                if fixed == nil { try file.fix(values.type, of: name, given.isOutcome) }
                try file.insert(table, name, given.kind.segments)
            }
            let bytes = try answer(statuses)
            try file.keep(bytes, for: requestID, now)
            return bytes
        }
        hasNewSegments.store(true, ordering: .relaxed)
        figures.logged.withLock { counts in
            for status in statuses {
                counts[.init(kind: given.kind, status: status), default: 0] += 1
            }
        }
        return bytes
    }

    /// Marks what has no vector and what is there already.
    private func find(
        _ rows: inout LoggedRows,
        _ given: LoggedValues,
        _ values: Column,
        _ name: ServedModel.Name
    ) throws(AlulaError) {
        guard let span = rows.span else { return }
        // Vectors may still wait for the writer.
        try flush(through: span.last)
        let (vectors, earlier) = try offline.readBeside { db in
            let file = ServedFile(db)
            return (
                try file.segments(of: name, .vectors, from: span.first, through: span.last),
                try given.kind.earlier.flatMap {
                    try file.segments(of: name, $0, from: span.first, through: span.last)
                }
            )
        }
        // What lies between ids that are far apart is not read.
        for segment in vectors where rows.hasIDs(from: segment.first, through: segment.last) {
            rows.markKnown(try knownIDs(segment))
        }
        rows.refuseUnknown()
        for segment in earlier where rows.hasIDs(from: segment.first, through: segment.last) {
            try rows.markDuplicates(try knownIDs(segment), values, isOutcome: given.isOutcome) {
                () throws(AlulaError) in
                try offline.readBeside { db in try ServedFile(db).table(segment) }
            }
        }
        if given.isOutcome { rows.markRepeated() }
    }

    private func knownIDs(_ segment: ServedSegment) throws(AlulaError) -> SegmentIDs {
        if let known = ids[segment] { return known }
        let columns = try offline.readBeside { db in
            try ServedFile(db).columns([0, 1], of: segment)
        }
        let found = SegmentIDs(stamps: columns[0].int64s, rests: columns[1].int64s)
        ids.keep(found, of: segment)
        return found
    }
}

/// Predictions or outcomes on their way in.
struct LoggedRows {
    private struct Item {
        var id: PredictionID
        var row: Int32
        var time: Int64
        /// The time was not given.
        var isNow = false
        var isKnown = false
        /// What the log has of the newest outcome of the id.
        var newest: Newest?
    }

    private struct Newest {
        var time: Int64
        var recorded: Int64
        var isSame: Bool
    }

    private(set) var statuses: [LoggedStatus]
    /// Those that may be taken, by id, time, then in their order.
    private var items: [Item] = []

    init(_ given: LoggedValues, _ values: Column, now: Timestamp) {
        statuses = [LoggedStatus](repeating: .accepted, count: given.ids.count)
        items.reserveCapacity(given.ids.count)
        let latest = (now + Limits.maxSkew).microseconds
        for row in 0..<given.ids.count {
            guard given.ids.isValid(row), values.isNumberOrOther(row),
                given.kind != .failure || values.slice(row).count <= LoggedValues.mostReasonBytes,
                let id = PredictionID(given.ids.slice(row))
            else {
                statuses[row] = .invalid
                continue
            }
            guard id.isLogged else {
                statuses[row] = .notLogged
                continue
            }
            var time = now.microseconds
            var isNow = true
            if let times = given.times, times.isValid(row) {
                time = times.load(row, as: Int64.self)
                isNow = false
            }
            if given.isOutcome, time > latest {
                statuses[row] = .inFuture
            } else if given.isOutcome, given.times != nil, time < id.stamp {
                statuses[row] = .beforePrediction
            } else {
                items.append(Item(id: id, row: Int32(row), time: time, isNow: isNow))
            }
        }
        items.sort { ($0.id, $0.time, $0.row) < ($1.id, $1.time, $1.row) }
    }

    var span: (first: Int64, last: Int64)? {
        guard let first = items.first, let last = items.last else { return nil }
        return (first.id.stamp, last.id.stamp)
    }

    /// Whether one of them was served in this span.
    func hasIDs(from first: Int64, through last: Int64) -> Bool {
        var (low, high) = (0, items.count)
        while low < high {
            let middle = (low + high) / 2
            if items[middle].id.stamp < first { low = middle + 1 } else { high = middle }
        }
        return low < items.count && items[low].id.stamp <= last
    }

    mutating func markKnown(_ known: SegmentIDs) {
        known.each(items.count, id: { items[$0].id }) { item, _ in items[item].isKnown = true }
    }

    mutating func refuseUnknown() {
        for item in items where !item.isKnown { statuses[Int(item.row)] = .unknown }
        items.removeAll { !$0.isKnown }
        for index in items.indices { items[index].isKnown = false }
    }

    /// `table` is asked for where an id is found.
    mutating func markDuplicates(
        _ known: SegmentIDs,
        _ values: Column,
        isOutcome: Bool,
        table: () throws(AlulaError) -> ServedTable
    ) throws(AlulaError) {
        var found: [(item: Int, row: Int)] = []
        known.each(items.count, id: { items[$0].id }) { found.append(($0, $1)) }
        guard !found.isEmpty else { return }
        var isThere = Set<Int>()
        if isOutcome {
            let table = try table()
            let (times, recorded) = (table.columns[3].int64s, table.columns[4].int64s)
            for (item, row) in found {
                let isSame = table.columns[2].isSame(row, as: values, Int(items[item].row))
                if isSame, times[row] == items[item].time { isThere.insert(item) }
                let known = items[item].newest
                if known.map({ ($0.time, $0.recorded) <= (times[row], recorded[row]) }) ?? true {
                    items[item].newest = Newest(
                        time: times[row],
                        recorded: recorded[row],
                        isSame: isSame
                    )
                }
            }
        } else {
            isThere = Set(found.map(\.item))
        }
        guard !isThere.isEmpty else { return }
        for item in isThere { statuses[Int(items[item].row)] = .duplicate }
        items = items.indices.filter { !isThere.contains($0) }.map { items[$0] }
    }

    /// An outcome without a time that says what the newest one says tells nothing new.
    mutating func markRepeated() {
        for item in items where item.isNow && item.newest?.isSame == true {
            statuses[Int(item.row)] = .duplicate
        }
        items.removeAll { $0.isNow && $0.newest?.isSame == true }
    }

    /// The rows that are taken; of one id twice among them the first, or what differs.
    mutating func table(_ values: Column, isOutcome: Bool, now: Timestamp) -> ServedTable {
        var taken: [Item] = []
        for item in items {
            if let last = taken.last, last.id == item.id {
                let isSame =
                    last.time == item.time
                    && values.isSame(Int(last.row), as: values, Int(item.row))
                if !isOutcome || isSame {
                    statuses[Int(item.row)] = .duplicate
                    continue
                }
            }
            taken.append(item)
        }
        var columns = [
            Column(int64s: taken.map(\.id.stamp)),
            Column(int64s: taken.map(\.id.rest)),
            values.taking(taken.map(\.row)[...]),
        ]
        if isOutcome { columns.append(Column(int64s: taken.map(\.time), type: .timestamp)) }
        columns.append(
            Column(
                int64s: [Int64](repeating: now.microseconds, count: taken.count),
                type: .timestamp
            )
        )
        return ServedTable(
            layout: ServedLayout(values: values.type, isOutcome: isOutcome),
            columns: columns,
            rows: taken.count
        )
    }
}

extension Column {
    /// Whether the row has a value that can be counted with.
    fileprivate func isNumberOrOther(_ row: Int) -> Bool {
        guard isValid(row) else { return false }
        return type != .scalar(.float64) || load(row, as: Double.self).isFinite
    }
}

/// Which types predictions and outcomes have: the first of a model says it.
enum LoggedType {
    static func cast(
        _ column: Column,
        to fixed: ValueType?,
        _ what: String,
        of model: RegisteredModelName
    ) throws(AlulaError) -> Column {
        let widened = column.widened(to: wide(column.type)) ?? column
        switch widened.type {
        case .scalar(.bool), .scalar(.int64), .scalar(.float64), .scalar(.string), .list(.float64),
            .fixedList(.float64, _), .list(.int64), .fixedList(.int64, _):
            break
        default:
            throw .invalid(
                "\(what)s of \(model) are \(column.type): expected numbers, bools, strings or "
                    + "lists of numbers"
            )
        }
        guard let fixed, fixed != widened.type else { return widened }
        if fixed == .float64, widened.type == .int64 {
            return Column(
                type: .float64,
                count: widened.count,
                validity: widened.validity,
                offsets: [],
                itemOffsets: [],
                values: unsafe widened.int64s.map { Double($0) }.withUnsafeBytes {
                    unsafe Array($0)
                }
            )
        }
        throw .invalid(
            "\(what)s of \(model) are \(fixed), since the first was logged: found \(widened.type)",
            help: "log values of that type; when none of them is left, another may be the first"
        )
    }

    private static func wide(_ type: ValueType) -> ValueType {
        func wide(_ item: ScalarType) -> ScalarType {
            item == .int32 ? .int64 : item == .float32 ? .float64 : item
        }
        switch type {
        case .scalar(let item): return .scalar(wide(item))
        case .list(let item): return .list(wide(item))
        case .fixedList(let item, let length): return .fixedList(wide(item), length: length)
        }
    }
}
