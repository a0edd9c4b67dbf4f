import Foundation
import Synchronization
import Testing

@testable import Server

struct StagingTurnsTests {
    private let turns = StagingTurns(patience: .seconds(60))

    /// A client that was ended and run again at once failed when all was sent: two had staged.
    @Test func `who goes on with an import waits for who was at it`() {
        let order = Mutex<[String]>([])
        turns.begin("import-1") { false }
        let second = DispatchGroup()
        DispatchQueue.global().async(group: second) {
            turns.begin("import-1") { false }
            order.withLock { $0.append("second") }
            turns.end("import-1")
        }
        turns.begin("import-2") { false }  // another import waits for nobody
        order.withLock { $0.append("other") }
        #expect(second.wait(timeout: .now() + 0.3) == .timedOut)
        order.withLock { $0.append("first") }
        turns.end("import-1")
        #expect(second.wait(timeout: .now() + 30) == .success)
        #expect(order.withLock { $0 } == ["other", "first", "second"])
        turns.begin("import-1") { false }
    }

    @Test func `who is gone does not wait`() {
        turns.begin("import-1") { false }
        turns.begin("import-1") { true }
        turns.end("import-1")
        turns.begin("import-1") { true }
    }
}
