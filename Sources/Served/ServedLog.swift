import Codec
package import Domain
import Foundation
import Glibc
package import Offline
package import Synchronization

/// The prediction log: vectors as they were served, predictions, and outcomes.
///
/// Event loops hand over what they served and never wait: a thread of its own groups it and writes it
/// about every half second, in one durable transaction; what it cannot follow is shed and counted.
/// Predictions and outcomes are durable when `log` returns.
package final class ServedLog: @unchecked Sendable {
    struct State {
        var items: [ServedItem] = []
        var itemBytes = 0
        /// The writer has taken items that are not durable yet.
        var isWriting = false
        var isStopping = false
        var isDone = false
        /// Somebody waits until all that came before is written.
        var wanted: UInt64 = 0
        var written: UInt64 = 0
        /// Why the last write failed; nil while all is well.
        var failure: AlulaError?
    }

    let offline: OfflineStore
    package let figures = ServedFigures()
    let now: @Sendable () -> Timestamp
    let lastEntry: @Sendable () -> UInt64
    // `state` is only touched while `condition` is locked: that is what makes this class Sendable.
    let condition = NSCondition()
    var state = State()
    private let lastStamp: Atomic<Int64>
    private let waitingBytes = Atomic<Int>(0)
    private let models: Mutex<[ServedModel.Name: ServedModel]>
    /// Held by whoever looks something up and then writes what depends on it.
    let turn = NSLock()
    let readers = ScanGate()
    let ids = KnownIDs()
    let refusals = Refusals()
    let lastRetention = Mutex<Int64>(0)
    /// Segments have come since it was last looked which to merge.
    let hasNewSegments = Atomic<Bool>(true)
    private let limit: Int

    /// Bytes that wait for the writer; beyond them what is served is shed.
    package static let mostWaitingBytes = 64 << 20

    /// Beyond `limit` waiting bytes it sheds.
    package init(
        _ offline: OfflineStore,
        limit: Int = ServedLog.mostWaitingBytes,
        now: @escaping @Sendable () -> Timestamp,
        lastEntry: @escaping @Sendable () -> UInt64
    ) throws(AlulaError) {
        self.offline = offline
        self.limit = limit
        self.now = now
        self.lastEntry = lastEntry
        let (settings, last) = try offline.readBeside { db in
            let file = ServedFile(db)
            return (try file.settings(), try file.lastStamp())
        }
        lastStamp = Atomic(last)
        models = Mutex(
            Dictionary(
                uniqueKeysWithValues: settings.map {
                    ($0.name, ServedModel($0.name, rate: $0.rate ?? 1))
                }
            )
        )
    }

    package func model(_ name: ServedModel.Name) -> ServedModel {
        models.withLock { models in
            if let known = models[name] { return known }
            let model = ServedModel(name, rate: 1)
            models[name] = model
            return model
        }
    }

    /// Each time once, and never before one that was given.
    private func nextStamp(_ now: Timestamp) -> Int64 {
        while true {
            let last = lastStamp.load(ordering: .relaxed)
            let next = max(last + 1, now.microseconds)
            if lastStamp.compareExchange(expected: last, desired: next, ordering: .relaxed)
                .exchanged
            {
                return next
            }
        }
    }
}

// MARK: - What event loops call

extension ServedLog {
    /// Chooses which rows of an answer are kept; the keys are those of the rows in the range.
    package func choose(
        _ shape: ServedShape,
        keys: [Column],
        rows: Range<Int>,
        now: Timestamp
    ) -> ServedChoice {
        var (picks, sampled) = shape.model.picks(keys, rows)
        figures.rows.add(rows.count, ordering: .relaxed)
        if !picks.isEmpty, waitingBytes.load(ordering: .relaxed) > limit {
            figures.shed.add(picks.count, ordering: .relaxed)
            picks = []
            sampled = [UInt8](repeating: 0, count: sampled.count)
        }
        return ServedChoice(stamp: nextStamp(now), picks: picks, sampled: sampled)
    }

    /// Takes the chosen rows of an answer along; copies what it keeps and returns at once.
    package func keep(
        _ choice: ServedChoice,
        _ shape: ServedShape,
        keys: [Column],
        firstKey: Int,
        answer: UnsafeRawBufferPointer
    ) {
        guard !choice.picks.isEmpty else { return }
        let isPicked = shape.picker != nil
        let bytes: [UInt8] =
            if let picker = shape.picker {
                unsafe picker.take(choice.picks, of: answer)
            } else {
                unsafe Array(answer)
            }
        let item = ServedItem(
            shape: shape,
            stamp: choice.stamp,
            logEntry: lastEntry(),
            picks: choice.picks,
            keys: keys,
            firstKey: firstKey,
            answer: bytes,
            isPicked: isPicked
        )
        let size = item.byteCount
        let waiting = waitingBytes.add(size, ordering: .relaxed).newValue
        condition.lock()
        state.items.append(item)
        state.itemBytes += size
        // The writer looks by itself every now and then.
        let wakes = waiting > limit / 4
        condition.unlock()
        if wakes { condition.signal() }
    }
}

// MARK: - The writer

extension ServedLog {
    private static let niceness: Int32 = 10
    private static let gatherTime = 0.5
    private static let retryTime = 1.0
    private static let pieceBytes = 8 << 20

    package func start() {
        Thread.detachNewThread { [self] in
            // Of this thread only: reads go first, and what it cannot follow is shed.
            _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, Self.niceness)
            var isIdle = true
            var calm = Calm()
            while true {
                let (items, ticket, isStopping) = take(isIdle: isIdle)
                keepRefusals()
                let (count, failure) = write(items)
                finish(items, written: count, ticket, failure)
                if isStopping { break }
                isIdle = true
                if failure == nil, calm.isCalm(items) { isIdle = !upkeep() }
            }
            condition.lock()
            state.isDone = true
            condition.broadcast()
            condition.unlock()
        }
    }

    /// Writes what waits, and ends.
    package func stop() {
        condition.lock()
        state.isStopping = true
        condition.broadcast()
        while !state.isDone { condition.wait() }
        condition.unlock()
    }

    package var failure: AlulaError? {
        condition.lock()
        defer { condition.unlock() }
        return state.failure
    }

    package var waiting: Int { waitingBytes.load(ordering: .relaxed) }

    /// Returns when all that was served before the call is durable, of reads up to this time.
    package func flush(through stamp: Int64 = .max) throws(AlulaError) {
        condition.lock()
        defer { condition.unlock() }
        if !state.isWriting, !state.items.contains(where: { $0.stamp <= stamp }) { return }
        if let failure = state.failure { throw failure }
        state.wanted += 1
        let ticket = state.wanted
        condition.broadcast()
        while state.written < ticket {
            if state.isDone || state.failure != nil {
                throw state.failure ?? AlulaError(.unavailable, "the server is stopping")
            }
            condition.wait()
        }
    }

    /// Waits for a while, or until much waits or somebody wants it.
    private func take(isIdle: Bool) -> (items: [ServedItem], ticket: UInt64, isStopping: Bool) {
        condition.lock()
        defer { condition.unlock() }
        let pause = state.failure == nil ? (isIdle ? Self.gatherTime : 0) : Self.retryTime
        let end = Date(timeIntervalSinceNow: pause)
        let isFailing = state.failure != nil
        while !state.isStopping,
            isFailing
                || state.wanted == state.written && state.itemBytes < limit / 4
        {
            if !condition.wait(until: end) { break }
        }
        let items = state.items
        state.items = []
        state.itemBytes = 0
        state.isWriting = !items.isEmpty
        return (items, state.wanted, state.isStopping)
    }

    /// What could not be written waits on, in front of what has come since.
    private func finish(
        _ items: [ServedItem],
        written: Int,
        _ ticket: UInt64,
        _ failure: AlulaError?
    ) {
        let bytes = items[..<written].reduce(0) { $0 + $1.byteCount }
        condition.lock()
        state.isWriting = false
        defer {
            condition.broadcast()
            condition.unlock()
        }
        waitingBytes.subtract(bytes, ordering: .relaxed)
        state.failure = failure
        if failure == nil {
            state.written = ticket
            return
        }
        let rest = items[written...]
        if state.isStopping {
            figures.lost.add(rest.reduce(0) { $0 + $1.picks.count }, ordering: .relaxed)
            state.written = state.wanted
            return
        }
        state.items = rest + state.items
        state.itemBytes += rest.reduce(0) { $0 + $1.byteCount }
    }

    /// Writes the items piece by piece; answers how many are durable, and why not all are.
    private func write(_ items: [ServedItem]) -> (count: Int, failure: AlulaError?) {
        var count = 0
        while count < items.count {
            var end = count
            var bytes = 0
            while end < items.count, bytes < Self.pieceBytes {
                bytes += items[end].byteCount
                end += 1
            }
            do throws(AlulaError) {
                try put(Array(items[count..<end]))
            } catch {
                return (count, error)
            }
            count = end
        }
        return (count, nil)
    }

    /// Writes the items in one transaction.
    private func put(_ items: [ServedItem]) throws(AlulaError) {
        let (tables, lost) = ServedGather.tables(items)
        if lost > 0 { figures.lost.add(lost, ordering: .relaxed) }
        guard !tables.isEmpty else { return }
        try offline.writeBeside { db in
            for (group, table) in tables {
                try ServedFile(db).insert(
                    table,
                    group.name,
                    .vectors,
                    version: group.version,
                    service: group.service
                )
            }
        }
        hasNewSegments.store(true, ordering: .relaxed)
        figures.kept.add(tables.reduce(0) { $0 + $1.table.rows }, ordering: .relaxed)
    }
}

/// What became of what was served and logged, since the start.
package final class ServedFigures: Sendable {
    /// Rows of logged reads.
    package let rows = Atomic<Int>(0)
    /// Vectors that are durable.
    package let kept = Atomic<Int>(0)
    /// Vectors that were not kept because too many waited; their ids say so.
    package let shed = Atomic<Int>(0)
    /// Vectors whose ids say that they were kept, and that could not be written.
    package let lost = Atomic<Int>(0)
    /// Rows of logged reads that were refused for a version.
    package let refused = Atomic<Int>(0)
    /// Predictions, failures and outcomes, by what became of them.
    let logged = Mutex<[LoggedCount: Int]>([:])

    package struct LoggedCount: Hashable, Sendable {
        package var kind: LoggedKind
        package var status: LoggedStatus

        package init(kind: LoggedKind, status: LoggedStatus) {
            self.kind = kind
            self.status = status
        }
    }

    package var loggedCounts: [LoggedCount: Int] { logged.withLock { $0 } }
}

/// Lets scans and whoever replaces segments by others take turns.
final class ScanGate: Sendable {
    private let state = Mutex<(scans: Int, isReplacing: Bool)>((0, false))

    /// Waits for a replacement under way, which is short.
    func enter() {
        while !state.withLock({ state in
            if !state.isReplacing { state.scans += 1 }
            return !state.isReplacing
        }) { Thread.sleep(forTimeInterval: 0.005) }
    }

    func leave() { state.withLock { $0.scans -= 1 } }

    /// Nil where somebody scans.
    func replacing<T>(_ body: () throws(AlulaError) -> T) throws(AlulaError) -> T? {
        let mayReplace = state.withLock { state in
            if state.scans == 0 { state.isReplacing = true }
            return state.scans == 0
        }
        guard mayReplace else { return nil }
        defer { state.withLock { $0.isReplacing = false } }
        return try body()
    }
}

/// Held by a scan as long as it reads.
final class ScanPass: Sendable {
    private let gate: ScanGate

    init(_ gate: ScanGate) {
        self.gate = gate
        gate.enter()
    }

    deinit { gate.leave() }
}
