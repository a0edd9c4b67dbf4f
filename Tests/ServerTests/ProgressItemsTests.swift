import Domain
import NIOCore
import NIOPosix
import Synchronization
import Testing
import Wire

@testable import Server

struct ProgressItemsTests {
    private final class Sent: Sendable {
        let count = Mutex(0)
    }

    private func call() -> (Call, Sent) {
        let sent = Sent()
        let call = Call(
            request: Frame(kind: .request, operation: Wire.Operation.verify.rawValue, call: 1),
            operation: .verify,
            identity: .local,
            eventLoop: MultiThreadedEventLoopGroup.singleton.any()
        ) { _, promise in
            sent.count.withLock { $0 += 1 }
            promise?.succeed(())
        }
        return (call, sent)
    }

    @Test func `items of one moment are one, but those that end something`() {
        let (call, sent) = call()
        let progress = ProgressItems(call)
        for done in 0..<1_000 {
            var item = WireVerifyProgress()
            item.done = UInt64(done)
            progress.send(item)
        }
        #expect(sent.count.withLock { $0 } < 100)
        let before = sent.count.withLock { $0 }
        progress.send(WireVerifyProgress(), always: true)
        #expect(sent.count.withLock { $0 } == before + 1)
        #expect(!progress.isCancelled)
    }

    @Test func `a client that has gone cancels, and hears nothing more`() {
        let (call, sent) = call()
        let progress = ProgressItems(call)
        call.end(AlulaError(.cancelled, "the client has gone"))
        #expect(progress.isCancelled && !progress.isUnheard)
        progress.send(WireVerifyProgress(), always: true)
        #expect(progress.isUnheard)
        #expect(sent.count.withLock { $0 } == 0)
    }
}
