import Domain
import Foundation

/// Lets one at a time rewrite the segments of a view, and keeps what is in the making from being
/// cleaned away.
final class MergeGate: @unchecked Sendable {
    /// Guards all below.
    private let condition = NSCondition()
    private var busy: Set<FeatureViewID> = []
    private var waiting: [FeatureViewID: Int] = [:]
    private var writing: Set<Int64> = []
    private var staged: Set<Int64> = []
    private var loaded: ContinuousClock.Instant?

    private static let pause = 0.05

    /// Waits until nobody else rewrites the view and `isFree` agrees.
    func enter(
        _ view: FeatureViewID,
        isCancelled: () -> Bool,
        isFree: () throws(AlulaError) -> Bool
    ) throws(AlulaError) {
        change { waiting[view, default: 0] += 1 }
        defer {
            change {
                let left = (waiting[view] ?? 1) - 1
                waiting[view] = left > 0 ? left : nil
            }
        }
        while true {
            try checkCancelled(isCancelled)
            if enterIfFree(view) {
                let isReady: Bool
                do throws(AlulaError) {
                    isReady = try isFree()
                } catch {
                    leave(view)
                    throw error
                }
                if isReady { return }
                leave(view)
            }
            condition.lock()
            _ = condition.wait(until: Date(timeIntervalSinceNow: Self.pause))
            condition.unlock()
        }
    }

    /// False where somebody else rewrites the view.
    func enterIfFree(_ view: FeatureViewID) -> Bool { change { busy.insert(view).inserted } }

    func leave(_ view: FeatureViewID) { change { busy.remove(view) } }

    /// Whether somebody waits to rewrite the view.
    func isWanted(_ view: FeatureViewID) -> Bool { change { waiting[view] != nil } }

    /// This process writes the segments of the merge.
    func began(_ merge: Int64) { change { writing.insert(merge) } }

    func ended(_ merge: Int64) { change { writing.remove(merge) } }

    func isWriting(_ merge: Int64) -> Bool { change { writing.contains(merge) } }

    /// This process has staged the merge, and waits for its log entry.
    func noteStaged(_ merge: Int64) { change { staged.insert(merge) } }

    func isStaged(_ merge: Int64) -> Bool { change { staged.contains(merge) } }

    /// This process has staged rows of an import.
    func noteLoaded() { change { loaded = .now } }

    var lastLoaded: ContinuousClock.Instant? { change { loaded } }

    @discardableResult
    private func change<T>(_ body: () -> T) -> T {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        return body()
    }
}
