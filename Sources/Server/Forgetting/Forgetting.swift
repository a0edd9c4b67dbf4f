import Domain
import Foundation
import Ingest
import Logging
import Offline
import Served

/// Brings deletions to their end, one after the other: spines blanked, bytes gone from every file.
///
/// What was begun is ended, whoever began it, also after a restart; answers are right from the log
/// entry on.
final class Forgetting: @unchecked Sendable {
    /// Gets a step and how far it has come.
    typealias Progress = (_ step: String, _ done: UInt64, _ total: UInt64) -> Void

    private let spines: KeptSpines
    private let ingestor: Ingestor
    private let backups: Backups
    private let served: ServedLog
    private let profiles: ProfileDesk
    private let logger: Logger
    // `isStopping` and `isTrying` are only touched while `condition` is locked: that is what makes
    // this class Sendable.
    private let condition = NSCondition()
    private var isStopping = false
    /// A thread ends what is begun.
    private var isTrying = false
    /// Held by whoever ends deletions.
    private let turn = NSLock()

    private static let shortPause = 0.1
    private static let firstPause = 1.0
    private static let longestPause = 60.0

    init(
        ingestor: Ingestor,
        spines: KeptSpines,
        backups: Backups,
        served: ServedLog,
        profiles: ProfileDesk,
        logger: Logger
    ) {
        self.profiles = profiles
        self.served = served
        self.ingestor = ingestor
        self.backups = backups
        self.spines = spines
        self.logger = logger
    }

    /// Ends all deletions that are begun.
    ///
    /// Where it cannot, it throws, and they are ended behind; where the server stops meanwhile, when
    /// it starts again.
    func finish(progress: Progress) throws(AlulaError) {
        do throws(AlulaError) {
            try attempt(progress)
        } catch {
            guard !stops else {
                throw AlulaError(
                    .unavailable,
                    "the server is stopping: the deletion is in every answer, and reaches the files "
                        + "when it starts again",
                    retry: .never
                )
            }
            finishBehind()
            throw AlulaError(
                error.code,
                "the deletion is in every answer, and not yet in the files: \(error.message)",
                help: error.help.isEmpty
                    ? "the server goes on trying" : "\(error.help); the server goes on trying",
                retry: .never
            )
        }
    }

    /// Ends what is begun on a thread of its own, which tries again until it is done.
    func finishBehind() {
        condition.lock()
        defer { condition.unlock() }
        guard !isTrying, !isStopping else { return }
        isTrying = true
        Thread.detachNewThread { [self] in
            var pause = Self.firstPause
            while !stops {
                do throws(AlulaError) {
                    try attempt { _, _, _ in }
                    break
                } catch {
                    if !stops {
                        logger.warning(
                            "a deletion has not reached all files yet",
                            metadata: ["error": "\(error)"]
                        )
                    }
                    wait(pause)
                    pause = min(pause * 2, Self.longestPause)
                }
            }
            condition.lock()
            isTrying = false
            condition.broadcast()
            condition.unlock()
        }
    }

    /// Stops what is under way at its next step, and waits for it.
    func close() {
        condition.lock()
        isStopping = true
        condition.broadcast()
        while isTrying { condition.wait() }
        condition.unlock()
        turn.lock()
        turn.unlock()
    }

    private var stops: Bool {
        condition.lock()
        defer { condition.unlock() }
        return isStopping
    }

    private func wait(_ seconds: Double) {
        condition.lock()
        defer { condition.unlock() }
        let limit = Date(timeIntervalSinceNow: seconds)
        while !isStopping, condition.wait(until: limit) {}
    }

    private func attempt(_ progress: Progress) throws(AlulaError) {
        turn.lock()
        defer { turn.unlock() }
        try backups.whileNoneIsMade(
            wait: { () throws(AlulaError) in
                try checkStopping()
                progress("waiting for a backup", 0, 0)
                wait(Self.shortPause)
            },
            { () throws(AlulaError) in
                let result = Result { () throws(AlulaError) in try erase(progress) }
                backups.noteDeletions()
                try result.get()
            }
        )
    }

    private func checkStopping() throws(AlulaError) {
        guard !stops else { throw AlulaError(.cancelled, "the server is stopping") }
    }

    private func erase(_ progress: Progress) throws(AlulaError) {
        try checkStopping()
        var blanked: Set<[UInt8]> = []
        try ingestor.finishForgetting(
            blankSpines: { pending throws(AlulaError) in
                // A key has an erasure in each view of its entity, and one pass over the spines.
                let name = Array("\(pending.entity.number)/".utf8) + pending.key
                guard blanked.insert(name).inserted else { return }
                try served.erase(pending.entity, key: pending.key)
                try profiles.forget(pending.entity, key: pending.key)
                try spines.blank(pending.entity, key: pending.key)
                try spines.emptyLog()
            },
            cancelled: { stops },
            progress: progress
        )
        try spines.removeReplaced()
    }
}
