import Domain
import NIOCore
import NIOPosix
import Synchronization
import Testing
import Wire

@testable import Server

/// One call's upload and answer, within the credit of the protocol.
struct CallTests {
    /// The frames that a call has written, each sent at once.
    private final class Sent: Sendable {
        private let list = Mutex<[Frame]>([])

        var frames: [Frame] { list.withLock { $0 } }

        func append(_ frame: Frame) { list.withLock { $0.append(frame) } }
    }

    private func call(uploads: Bool = true) -> (Call, Sent) {
        let sent = Sent()
        let request = Frame(
            kind: .request,
            hasMore: uploads,
            operation: Wire.Operation.putArtifact.rawValue,
            call: 1
        )
        let call = Call(
            request: request,
            operation: .putArtifact,
            identity: .local,
            eventLoop: MultiThreadedEventLoopGroup.singleton.any()
        ) { frame, promise in
            sent.append(frame)
            promise?.succeed(())
        }
        return (call, sent)
    }

    private func item(_ bytes: Int) -> Frame {
        Frame(
            kind: .item,
            operation: 0,
            call: 1,
            data: ByteBuffer(repeating: 7, count: bytes)
        )
    }

    @Test func `an upload may fill its credit and not one byte more`() throws {
        let (call, _) = call()
        for _ in 0..<4 { try call.receive(item(Limits.callWindow / 4)) }
        #expect(throws: AlulaError.self) { try call.receive(item(1)) }
    }

    @Test func `what was consumed is granted again`() throws {
        let (call, sent) = call()
        for _ in 0..<4 { try call.receive(item(Limits.callWindow / 4)) }
        _ = try call.nextUpload()
        let window = try #require(sent.frames.last)
        #expect(window.kind == .window)
        let message = try Messages.decode(WireWindow.self, from: window.control)
        #expect(Int(message.bytes) == Limits.callWindow / 4)
        try call.receive(item(Limits.callWindow / 4))
        #expect(throws: AlulaError.self) { try call.receive(item(1)) }
    }

    @Test func `an item of nothing, or after the end, is refused`() throws {
        let (open, _) = call()
        #expect(throws: AlulaError.self) { try open.receive(item(0)) }
        open.receiveEnd()
        #expect(throws: AlulaError.self) { try open.receive(item(1)) }
        let (unary, _) = call(uploads: false)
        #expect(throws: AlulaError.self) { try unary.receive(item(1)) }
    }

    @Test func `an upload comes in its order, then nil`() throws {
        let (call, _) = call()
        for size in 1...3 { try call.receive(item(size)) }
        call.receiveEnd()
        var sizes: [Int] = []
        while let upload = try call.nextUpload() { sizes.append(upload.data.readableBytes) }
        #expect(sizes == [1, 2, 3])
    }

    @Test func `a call that has ended wakes its worker with the reason`() throws {
        let (call, _) = call()
        let gone = AlulaError(.cancelled, "the client has gone")
        call.end(gone)
        call.end(AlulaError(.internal, "a later reason"))
        #expect(call.isEnded)
        #expect(throws: gone) { try call.nextUpload() }
        #expect(throws: gone) { try call.send(data: ByteBuffer(repeating: 0, count: 8)) }
    }

    @Test func `windows never overflow the credit`() throws {
        let (call, sent) = call(uploads: false)
        for _ in 0..<100 { call.receiveCredit(Int(UInt32.max)) }
        try call.send(data: ByteBuffer(repeating: 0, count: 8))
        #expect(sent.frames.map(\.kind) == [.item])
    }

    @Test func `an item over a frame is not sent`() throws {
        let (call, sent) = call(uploads: false)
        #expect(throws: AlulaError.self) {
            try call.send(data: ByteBuffer(repeating: 0, count: Limits.frameBytes + 1))
        }
        #expect(sent.frames.isEmpty)
    }
}
