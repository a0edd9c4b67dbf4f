package import Domain
package import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
package import Wire

/// One connection to a server, with many calls in flight.
///
/// Thread-safe.
package final class Connection: Sendable {
    private struct State {
        var calls: [UInt32: CallState] = [:]
        var lastCall: UInt32 = 0
        /// Why no more calls are taken.
        var failure: AlulaError?
    }

    package let address: ServerAddress
    private let channel: any Channel
    private let state: SharedState

    private init(address: ServerAddress, channel: any Channel, state: SharedState) {
        self.address = address
        self.channel = channel
        self.state = state
    }

    /// Connects, sends the preface and the token; calls may be made at once.
    package static func connect(
        to address: ServerAddress,
        _ security: ClientSecurity = ClientSecurity(),
        within seconds: Int64 = 5
    ) async throws(AlulaError) -> Connection {
        try security.check(address)
        let state = SharedState(address)
        let secure = address.isSecure ? try security.context() : nil
        do {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .connectTimeout(.seconds(seconds))
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        if let secure {
                            try channel.pipeline.syncOperations.addHandler(
                                NIOSSLClientHandler(
                                    context: secure,
                                    serverHostname: address.certificateName
                                )
                            )
                        }
                        try channel.pipeline.syncOperations.addHandler(FrameReceiver(state: state))
                    }
                }
                .connect(host: address.host, port: address.port).get()
            channel.writeAndFlush(Preface.client(), promise: nil)
            let connection = Connection(address: address, channel: channel, state: state)
            if let token = security.token { try connection.authenticate(token) }
            return connection
        } catch let error as AlulaError {
            throw error
        } catch {
            let failure = error as? NIOConnectionError
            let isUnknown =
                failure.map { $0.connectionErrors.isEmpty && $0.dnsAError != nil } ?? false
            throw AlulaError(
                .unavailable,
                isUnknown
                    ? "no machine is known by the name \(address.host)"
                    : "no server answers at \(address)",
                help: "start one with: alula serve --data DIR, or name another: --server "
                    + "alula://HOST:PORT (ALULA_SERVER)"
            )
        }
    }

    /// Goes ahead of all calls; where the token is refused, the connection fails and says so.
    private func authenticate(_ token: String) throws(AlulaError) {
        var request = WireAuthenticateRequest()
        request.token = token
        _ = try open(
            .authenticate,
            control: try Messages.encode(request),
            data: ByteBuffer(),
            hasUpload: false
        )
    }

    /// False once the connection is lost or closed.
    package var isOpen: Bool { state.isOpen && channel.isActive }

    package func close() async {
        state.fail(AlulaError(.cancelled, "the connection was closed"))
        try? await channel.close().get()  // it may be closed already, which is what is wanted
    }

    /// Opens a call: its request is on its way when this returns.
    package func open(
        _ operation: Operation,
        control: ByteBuffer,
        data: ByteBuffer,
        hasUpload: Bool
    ) throws(AlulaError) -> CallState {
        var request = Frame(
            kind: .request,
            hasMore: hasUpload,
            operation: operation.rawValue,
            call: 1,
            control: control,
            data: data
        )
        guard request.payloadBytes <= Limits.frameBytes else {
            throw .invalid(
                "a request of \(request.payloadBytes) bytes is over the limit of \(Limits.frameBytes)",
                help: "send fewer rows at once"
            )
        }
        return try state.open(operation) { number in
            request.call = number
            write(request)
        }
    }

    /// Sends one item of an upload once there is credit; false where the server has ended the call.
    package func send(
        _ call: CallState,
        control: ByteBuffer,
        data: ByteBuffer
    ) async throws(AlulaError)
        -> Bool
    {
        let item = Frame(
            kind: .item,
            operation: call.operation.rawValue,
            call: call.number,
            control: control,
            data: data
        )
        guard item.payloadBytes <= Limits.frameBytes else {
            throw .invalid(
                "an item of \(item.payloadBytes) bytes is over the limit of \(Limits.frameBytes)"
            )
        }
        guard await call.takeCredit(item.payloadBytes) else { return false }
        write(item)
        return true
    }

    /// Says that the upload is complete.
    package func endUpload(_ call: CallState) { writeControl(.end, call) }

    /// Lets the server send on, for what has been taken from the call.
    package func grant(_ call: CallState) throws(AlulaError) {
        guard let bytes = call.takeGrant() else { return }
        var window = WireWindow()
        window.bytes = UInt32(bytes)
        writeControl(.window, call, try Messages.encode(window))
    }

    /// Stops the call on both sides.
    package func cancel(_ call: CallState, _ error: AlulaError) {
        guard !call.hasEnded else { return }
        state.forget(call.number)
        call.end(.failure(error))
        writeControl(.cancel, call)
    }

    /// Stops the call when the time is over; the returned timer is cancelled when the call ends
    /// before.
    package func schedule(_ call: CallState, in milliseconds: Int64) -> Scheduled<Void> {
        channel.eventLoop.scheduleTask(in: .milliseconds(milliseconds)) {
            self.cancel(
                call,
                AlulaError(
                    .deadlineExceeded,
                    "no answer within \(milliseconds) ms",
                    help: "a write may have happened: repeat it with the same request id"
                )
            )
        }
    }

    private func writeControl(
        _ kind: FrameKind,
        _ call: CallState,
        _ control: ByteBuffer = ByteBuffer()
    ) {
        write(
            Frame(
                kind: kind,
                operation: call.operation.rawValue,
                call: call.number,
                control: control
            )
        )
    }

    /// Frames leave in the order of these calls.
    ///
    /// Never on the caller's stack: a failing write would call back into the lock that orders the
    /// calls.
    private func write(_ frame: Frame) {
        var buffer = channel.allocator.buffer(capacity: Frame.headerBytes + frame.payloadBytes)
        frame.encode(into: &buffer)
        let (channel, bytes) = (channel, buffer)
        channel.eventLoop.execute { channel.writeAndFlush(bytes, promise: nil) }
    }
}

extension Connection {
    /// The calls in flight, shared with the event loop.
    fileprivate final class SharedState: Sendable {
        private let state = Mutex(State())
        let address: ServerAddress
        let lost: AlulaError

        init(_ address: ServerAddress) {
            self.address = address
            lost = AlulaError(.unavailable, "the connection to \(address) was lost")
        }

        var isOpen: Bool { state.withLock { $0.failure == nil } }

        func open(
            _ operation: Operation,
            _ write: (UInt32) -> Void
        ) throws(AlulaError) -> CallState {
            try state.withLock { state throws(AlulaError) in
                if let failure = state.failure { throw failure }
                guard state.calls.count < Limits.callsPerConnection, state.lastCall < .max else {
                    throw AlulaError(
                        .resourceExhausted,
                        "\(state.calls.count) calls are in flight on one connection, the most there may be"
                    )
                }
                state.lastCall += 1
                let call = CallState(number: state.lastCall, operation: operation)
                state.calls[call.number] = call
                write(call.number)
                return call
            }
        }

        func receive(_ frame: Frame) {
            guard frame.call != 0 else {
                let failed = CallState(number: 0, operation: .status)
                _ = failed.receive(frame)
                do { _ = try failed.poll() } catch { fail(error) }
                return
            }
            guard let call = state.withLock({ $0.calls[frame.call] }) else { return }
            if call.receive(frame) { forget(call.number) }
        }

        func forget(_ number: UInt32) {
            state.withLock { state in state.calls[number] = nil }
        }

        func fail(_ error: AlulaError) {
            let calls = state.withLock { state in
                if state.failure == nil { state.failure = error }
                defer { state.calls = [:] }
                return Array(state.calls.values)
            }
            for call in calls { call.end(.failure(error)) }
        }
    }

    /// The inbound end of the pipeline: the server's preface, then frames.
    fileprivate final class FrameReceiver: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let state: SharedState
        private let frames = NIOSingleStepByteToMessageProcessor(FrameDecoder())
        private var opening: ByteBuffer? = ByteBuffer()

        init(state: SharedState) { self.state = state }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = unwrapInboundIn(data)
            do {
                if var pending = opening {
                    pending.writeBuffer(&bytes)
                    let isComplete = try Preface.takeServer(from: &pending) != nil
                    opening = isComplete ? nil : pending
                    guard isComplete else { return }
                    bytes = pending
                }
                try frames.process(buffer: bytes) { state.receive($0) }
            } catch {
                fail(error, context)
            }
        }

        func channelInactive(context: ChannelHandlerContext) {
            state.fail(state.lost)
            context.fireChannelInactive()
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            state.fail(state.address.failure(error))
            context.close(promise: nil)
        }

        private func fail(_ error: any Error, _ context: ChannelHandlerContext) {
            state.fail(error as? AlulaError ?? state.lost)
            context.close(promise: nil)
        }
    }
}
