package import Domain
import NIOCore
import Synchronization
package import Wire

/// One call in flight, between the event loop that receives for it and the task that made it.
///
/// At most one task receives and at most one sends. What has been received and not yet taken is
/// bounded by the credit that was granted.
package final class CallState: Sendable {
    package enum Event: Sendable {
        case item(Frame)
        case response(Frame)
    }

    private struct State {
        var inbox = CircularBuffer<Frame>()
        var inboxBytes = 0
        var outcome: Result<Frame, AlulaError>?
        var receiver: CheckedContinuation<Void, Never>?
        var sender: CheckedContinuation<Void, Never>?
        /// Payload bytes that may be sent in items.
        var credit = Limits.callWindow
        /// Payload bytes of items taken and not yet granted again.
        var ungranted = 0
    }

    package let number: UInt32
    package let operation: Operation
    private let state = Mutex(State())

    package init(number: UInt32, operation: Operation) {
        self.number = number
        self.operation = operation
    }

    /// Takes in a frame; true where the call has ended with it.
    package func receive(_ frame: Frame) -> Bool {
        switch frame.kind {
        case .item:
            let fits = state.withLock { state in
                state.inboxBytes += frame.payloadBytes
                guard state.inboxBytes + state.ungranted <= Limits.callWindow else { return false }
                state.inbox.append(frame)
                return true
            }
            guard fits else {
                end(.failure(AlulaError(.internal, "the server sent more than it was granted")))
                return true
            }
            wake { state in take(&state.receiver) }
            return false
        case .response:
            end(.success(frame))
            return true
        case .error:
            end(.failure(Self.failure(frame)))
            return true
        case .window:
            guard let window = try? Messages.decode(WireWindow.self, from: frame.control) else {
                return false  // a grant that cannot be read grants nothing
            }
            wake { state in
                state.credit += Int(window.bytes)
                return take(&state.sender)
            }
            return false
        case .request, .end, .cancel: return false
        }
    }

    /// Ends the call, unless it has ended.
    package func end(_ outcome: Result<Frame, AlulaError>) {
        let waiting = state.withLock { state in
            if state.outcome == nil { state.outcome = outcome }
            return [take(&state.receiver), take(&state.sender)]
        }
        for task in waiting { task?.resume() }
    }

    package var hasEnded: Bool { state.withLock { $0.outcome != nil } }

    /// Waits for the next item, or for the response behind the last one.
    package func next() async throws(AlulaError) -> Event {
        while true {
            if let event = try poll() { return event }
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    guard state.inbox.isEmpty, state.outcome == nil else { return true }
                    state.receiver = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        }
    }

    /// The response, once `next` has given it.
    package func response() async throws(AlulaError) -> Frame {
        while true {
            if case .response(let frame) = try await next() { return frame }
        }
    }

    /// What `next` would give without waiting; nil where it would wait.
    package func poll() throws(AlulaError) -> Event? {
        let found = state.withLock { state -> (Frame?, Result<Frame, AlulaError>?) in
            guard let frame = state.inbox.popFirst() else { return (nil, state.outcome) }
            state.inboxBytes -= frame.payloadBytes
            state.ungranted += frame.payloadBytes
            return (frame, nil)
        }
        if let frame = found.0 { return .item(frame) }
        return try found.1?.get().asResponse
    }

    /// Bytes to grant the server again, once there are enough to be worth a frame.
    package func takeGrant() -> Int? {
        state.withLock { state in
            guard state.ungranted >= Limits.callWindow / 4, state.outcome == nil else { return nil }
            defer { state.ungranted = 0 }
            return state.ungranted
        }
    }

    /// Waits until so many bytes may be sent; false where the call has ended.
    package func takeCredit(_ bytes: Int) async -> Bool {
        while true {
            let ready = state.withLock { state -> Bool? in
                if state.outcome != nil { return false }
                guard state.credit >= bytes else { return nil }
                state.credit -= bytes
                return true
            }
            if let ready { return ready }
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    guard state.outcome == nil, state.credit < bytes else { return true }
                    state.sender = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        }
    }

    private func wake(_ body: (inout State) -> CheckedContinuation<Void, Never>?) {
        state.withLock { state in body(&state) }?.resume()
    }

    private static func failure(_ frame: Frame) -> AlulaError {
        do {
            return AlulaError(wire: try Messages.decode(WireFailure.self, from: frame.control))
        } catch {
            return AlulaError(.internal, "the server's error cannot be read")
        }
    }
}

/// Takes the value out, so that it is used once.
private func take<T>(_ value: inout T?) -> T? {
    defer { value = nil }
    return value
}

extension Frame {
    fileprivate var asResponse: CallState.Event { .response(self) }
}
