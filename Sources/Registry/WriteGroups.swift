import Dispatch
import Domain
import GRDB
import Synchronization

/// Writes that wait at the same time become one transaction: one sync of the disk answers them all.
///
/// The first that comes leads: it runs those that wait, each in a savepoint of its own, so that
/// one that fails takes nothing of the others with it, and commits. Meanwhile others gather behind
/// the next leader. Nobody is answered before the commit that has his write.
final class WriteGroups: Sendable {
    /// One write, whose caller waits until it is settled.
    ///
    /// It is touched by its caller before and after, and in between by one leader, who hands it on
    /// through a semaphore: that makes it Sendable.
    final class Member: @unchecked Sendable {
        /// Let go once it has run: it must not outlive the call that it is part of.
        fileprivate var body: ((RegistryTables) throws -> Void)?
        let marks: WriteMarks
        fileprivate let turn = DispatchSemaphore(value: 0)
        fileprivate var leads = false
        fileprivate(set) var error: (any Error)?

        init(marks: WriteMarks, _ body: @escaping (RegistryTables) throws -> Void) {
            self.marks = marks
            self.body = body
        }
    }

    private struct State {
        var isLed = false
        var waiting: [Member] = []
    }

    /// More of them would keep the first waiting for the last.
    private static let largest = 64

    private let pool: DatabasePool
    private let health: StorageHealth
    private let state = Mutex(State())

    init(pool: DatabasePool, health: StorageHealth) {
        self.pool = pool
        self.health = health
    }

    /// Blocks until the write is committed or has failed, as `member.error` says.
    ///
    /// `committed` runs on the leader's thread after each commit, with the writes that are in it
    /// in their order, before any of their callers goes on.
    func run(_ member: Member, committed: ([Member]) -> Void) {
        let leads = state.withLock { state in
            guard state.isLed else {
                state.isLed = true
                return true
            }
            state.waiting.append(member)
            return false
        }
        if !leads {
            member.turn.wait()
            guard member.leads else { return }
        }
        let group = state.withLock { state in
            let others = state.waiting.prefix(Self.largest - 1)
            state.waiting.removeFirst(others.count)
            return [member] + others
        }
        commit(group)
        committed(group.filter { $0.error == nil })
        let next = state.withLock { state -> Member? in
            guard !state.waiting.isEmpty else {
                state.isLed = false
                return nil
            }
            return state.waiting.removeFirst()
        }
        if let next {
            next.leads = true
            next.turn.signal()
        }
        for other in group.dropFirst() { other.turn.signal() }
    }

    private func commit(_ group: [Member]) {
        do {
            try health.check()
            try pool.write { database in
                if group.count == 1 {
                    try group[0].body?(RegistryTables(database: database, marks: group[0].marks))
                    return
                }
                for member in group { try perform(member, database) }
            }
        } catch {
            // Before the next group begins.
            if (error as? DatabaseError)?.leavesDoubt == true { health.fail(storageFailure(error)) }
            // Nothing of it is written: those that had failed by themselves keep their reason.
            for member in group where member.error == nil { member.error = error }
        }
        for member in group { member.body = nil }
    }

    /// Throws only where the whole transaction is gone.
    private func perform(_ member: Member, _ database: Database) throws {
        do {
            try database.inSavepoint {
                try member.body?(RegistryTables(database: database, marks: member.marks))
                return .commit
            }
        } catch {
            member.error = error
            // A full disk, say, rolls back everything.
            guard database.isInsideTransaction else { throw error }
        }
    }
}
