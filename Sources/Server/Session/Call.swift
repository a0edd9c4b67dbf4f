import Domain
import Foundation
import NIOCore
import Wire

/// One call in flight, seen from the worker thread that answers it: uploads come in, items go out,
/// both within the credit of the protocol.
///
/// Everything here may block; nothing here runs on an event loop but the `receive` half.
final class Call: @unchecked Sendable {
    /// One piece of an upload.
    struct Upload {
        var control: ByteBuffer
        var data: ByteBuffer
        /// Of its frame, behind the header.
        var bytes: Int
    }

    private struct State {
        var uploads: [Upload] = []
        var uploadEnded: Bool
        /// Why the call ended before its answer.
        var ending: AlulaError?
        /// Payload bytes that the client still takes.
        var credit = Limits.callWindow
        /// Payload bytes that the client may still send.
        var granted = Limits.callWindow
        /// Consumed bytes not yet granted again.
        var toGrant = 0
        var framesInFlight = 0
    }

    let id: UInt32
    let operation: Wire.Operation
    let control: ByteBuffer
    let data: ByteBuffer
    let identity: Identity
    let arrived = NIODeadline.now()
    /// Bytes of the request, which the connection's buffer counts until the call's end.
    let requestBytes: Int
    private let buffer: ConnectionBuffer?
    private let idleSeconds: Int
    private let write: @Sendable (Frame, EventLoopPromise<Void>?) -> Void
    private let eventLoop: any EventLoop
    // `state` is only touched while `condition` is locked: that is what makes this class Sendable.
    private let condition = NSCondition()
    private var state: State

    /// Frames of one call that may wait for the socket, so that a stream never crowds out other calls.
    static let framesAhead = 2

    init(
        request: Frame,
        operation: Wire.Operation,
        identity: Identity,
        eventLoop: any EventLoop,
        buffer: ConnectionBuffer? = nil,
        idleSeconds: Int = ServerLimits().streamIdleSeconds,
        write: @escaping @Sendable (Frame, EventLoopPromise<Void>?) -> Void
    ) {
        id = request.call
        self.operation = operation
        control = request.control
        data = request.data
        self.identity = identity
        requestBytes = request.payloadBytes
        self.buffer = buffer
        self.idleSeconds = idleSeconds
        self.eventLoop = eventLoop
        self.write = write
        state = State(uploadEnded: !request.hasMore)
    }

    private func locked<T>(_ body: (inout State) throws -> T) rethrows -> T {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        return try body(&state)
    }
}

// MARK: - The worker's side

extension Call {
    /// True once the client has cancelled, gone, or run past its deadline.
    var isEnded: Bool { locked { $0.ending != nil } }

    func checkEnded() throws(AlulaError) {
        if let ending = locked({ $0.ending }) { throw ending }
    }

    /// The next piece of the upload, or nil at its end.
    func nextUpload() throws(AlulaError) -> Upload? {
        let upload: Upload? = try wait(
            for: "the next piece of the upload",
            until: { !$0.uploads.isEmpty || $0.uploadEnded },
            then: { $0.uploads.isEmpty ? nil : $0.uploads.removeFirst() }
        )
        guard let upload else { return nil }
        buffer?.giveBack(upload.bytes)
        grant(upload.control.readableBytes + upload.data.readableBytes)
        return upload
    }

    /// Sends one item of the answer, as soon as the client has room for it.
    func send(control: ByteBuffer = ByteBuffer(), data: ByteBuffer) throws(AlulaError) {
        let frame = Frame(
            kind: .item,
            operation: operation.rawValue,
            call: id,
            control: control,
            data: data
        )
        let bytes = frame.payloadBytes
        guard bytes <= Limits.frameBytes else {
            throw .init(.internal, "an item of \(bytes) bytes is over the limit of a frame")
        }
        try wait(
            for: "the client to take more of the answer",
            until: { $0.credit >= bytes && $0.framesInFlight < Self.framesAhead },
            then: {
                $0.credit -= bytes
                $0.framesInFlight += 1
            }
        )
        let promise = eventLoop.makePromise(of: Void.self)
        promise.futureResult.whenComplete { _ in self.locked { $0.framesInFlight -= 1 } }
        write(frame, promise)
    }

    /// Whether an item may be posted now without waiting for the client.
    var hasRoom: Bool {
        locked { $0.ending == nil && $0.credit > 0 && $0.framesInFlight < Self.framesAhead }
    }

    /// Sends a small item without waiting; whoever posts looks for room first, and posts alone.
    func post(control: ByteBuffer) {
        let frame = Frame(
            kind: .item,
            operation: operation.rawValue,
            call: id,
            control: control
        )
        let isSent = locked { state -> Bool in
            guard state.ending == nil else { return false }
            state.credit -= frame.payloadBytes
            state.framesInFlight += 1
            return true
        }
        guard isSent else { return }
        let promise = eventLoop.makePromise(of: Void.self)
        promise.futureResult.whenComplete { _ in self.locked { $0.framesInFlight -= 1 } }
        write(frame, promise)
    }

    private func grant(_ bytes: Int) {
        let window = locked { state -> Int in
            state.toGrant += bytes
            guard state.toGrant >= Limits.callWindow / 4 else { return 0 }
            defer { state.toGrant = 0 }
            state.granted += state.toGrant
            return state.toGrant
        }
        guard window > 0 else { return }
        var message = WireWindow()
        message.bytes = UInt32(window)
        guard let control = try? Messages.encode(message) else { return }  // four bytes always fit
        write(
            Frame(kind: .window, operation: operation.rawValue, call: id, control: control),
            nil
        )
    }

    private func wait<T>(
        for what: String,
        until ready: (State) -> Bool,
        then body: (inout State) -> T
    ) throws(AlulaError) -> T {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        let limit = Date(timeIntervalSinceNow: Double(idleSeconds))
        while true {
            if let ending = state.ending { throw ending }
            if ready(state) { return body(&state) }
            guard condition.wait(until: limit) else {
                throw .init(
                    .deadlineExceeded,
                    "waited \(idleSeconds) seconds for \(what) (stream-idle-seconds)"
                )
            }
        }
    }
}

// MARK: - The event loop's side

extension Call {
    /// Takes an upload item; throws where the client sends more than it was granted.
    func receive(_ frame: Frame) throws(AlulaError) {
        let bytes = frame.payloadBytes
        let problem: String? = locked { state in
            guard !state.uploadEnded else { return "an item after the end of the upload" }
            // It would cost no credit, so that nothing bounds how many wait.
            guard bytes > 0 else { return "an empty item" }
            guard bytes <= state.granted else { return "an item beyond the credit of the call" }
            state.granted -= bytes
            state.uploads.append(Upload(control: frame.control, data: frame.data, bytes: bytes))
            return nil
        }
        if let problem { throw .invalid("call \(id) sent \(problem)") }
    }

    func receiveEnd() { locked { $0.uploadEnded = true } }

    func receiveCredit(_ bytes: Int) {
        locked { $0.credit = min($0.credit + bytes, 1 << 30) }
    }

    /// Wakes the worker with the reason; the session has already answered the client.
    func end(_ reason: AlulaError) {
        let dropped = locked { state in
            if state.ending == nil { state.ending = reason }
            defer { state.uploads = [] }
            return state.uploads.reduce(0) { $0 + $1.bytes }
        }
        buffer?.giveBack(dropped)
    }
}
