import Domain
import Logging
import NIOCore
import NIOPosix
import NIOTLS
import Wire

/// One connection: preface, then frames, each opening, feeding or ending one of many calls.
final class SessionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Phase {
        case preface
        case frames
        case closed
    }

    let dispatcher: Dispatcher
    // Copies of what the services hold: they are asked with every read.
    let gatekeeper: Gatekeeper
    let limits: ServerLimits
    private let workers: Workers
    let logger: Logger
    /// Who calls on this connection.
    var caller: Caller
    /// Answers reads at once, where they can be had from memory.
    private let desk: ReadDesk
    private var phase = Phase.preface
    /// What came and is not a whole frame yet.
    private(set) var waiting = ByteBuffer()
    var decoder = FrameDecoder()
    /// What the peer has left waiting, within its limit.
    let buffer: ConnectionBuffer
    var watch = PeerWatch()
    var hasToldRefusal = false
    private(set) var peer = "-"
    var watchTask: RepeatedTask?
    private let figures: CallFigures.Lane
    /// Answers are written that are not flushed yet.
    private var needsFlush = false
    private var calls: [UInt32: Call] = [:]
    private var deadlines: [UInt32: Scheduled<Void>] = [:]
    /// Streams that are being worked on, ended ones whose thread is not yet free among them.
    private var runningStreams = 0
    /// Streams that wait for one of those to end.
    private var waitingStreams: [@Sendable () -> Void] = []
    /// The server is stopping: calls in flight finish, new ones are refused.
    private var isDraining = false

    /// What a session shares with the others of its event loop.
    struct Place: Sendable {
        var desk: ReadDesk
        var figures: CallFigures.Lane
    }

    init(
        dispatcher: Dispatcher,
        place: Place,
        workers: Workers,
        logger: Logger,
        isLoopback: Bool
    ) {
        self.dispatcher = dispatcher
        gatekeeper = dispatcher.services.gatekeeper
        limits = dispatcher.services.limits
        desk = place.desk
        figures = place.figures
        buffer = ConnectionBuffer(
            limit: dispatcher.services.limits.connectionBytes,
            all: dispatcher.services.buffered
        )
        caller = Caller(isLoopback: isLoopback, dispatcher.services.gatekeeper)
        if caller.identity == nil { decoder.largestPayload = Limits.strangerFrameBytes }
        self.workers = workers
        self.logger = logger
    }

    func handlerAdded(context: ChannelHandlerContext) {
        peer = context.channel.remoteAddress?.ipAddress ?? "-"
        beginWatch(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) { watchTask?.cancel() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        watch.heard = .now()
        if waiting.readableBytes == 0 { waiting = bytes } else { waiting.writeBuffer(&bytes) }
        do {
            switch phase {
            case .preface:
                guard let version = try Preface.takeClient(from: &waiting) else { return }
                context.writeAndFlush(
                    wrapOutboundOut(Preface.server(chosen: version)),
                    promise: nil
                )
                guard version != 0 else { return closeSoon(context) }
                phase = .frames
                try takeFrames(context)
            case .frames: try takeFrames(context)
            case .closed: waiting.clear()
            }
        } catch {
            fail(context, error)
        }
    }

    private func takeFrames(_ context: ChannelHandlerContext) throws {
        while case .frames = phase {
            if answerRead(context) { continue }
            guard let frame = try decoder.decode(buffer: &waiting) else { break }
            releasePartial()
            try receive(frame, context)
        }
        if waiting.readableBytes == 0 { waiting = ByteBuffer() } else { waiting.discardReadBytes() }
        try countPartial()
    }

    /// Answers the next frame at once, where it is a read that needs no waiting; else leaves it.
    private func answerRead(_ context: ChannelHandlerContext) -> Bool {
        guard !isDraining, let head = ReadHead(waiting), calls[head.call] == nil,
            calls.count < limits.callsPerConnection, mayRead(head)
        else { return false }
        let arrived = NIODeadline.now()
        let outcome = unsafe waiting.withUnsafeReadableBytes { raw in
            unsafe desk.answerFromMemory(
                control: .init(rebasing: raw[head.control]),
                data: .init(rebasing: raw[head.data]),
                call: head.call,
                allocator: context.channel.allocator
            )
        }
        guard case .frame(let answer) = outcome else { return false }
        waiting.moveReaderIndex(forwardBy: head.frameBytes)
        context.write(wrapOutboundOut(answer), promise: nil)
        needsFlush = true
        figures.observe(.read, since: arrived, failed: false)
        return true
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if needsFlush {
            needsFlush = false
            context.flush()
        }
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        phase = .closed
        let gone = AlulaError(.cancelled, "the client has gone")
        for call in calls.values { call.end(gone) }
        for deadline in deadlines.values { deadline.cancel() }
        calls = [:]
        deadlines = [:]
        waitingStreams = []
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        logger.debug("connection failed", metadata: ["error": "\(error)"])
        close(context)
    }

    /// A client that takes no answers gets no further requests read, so that what waits for it stays
    /// bounded.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        _ = context.channel.setOption(.autoRead, value: context.channel.isWritable)
        watch.stalled = context.channel.isWritable ? nil : .now()
        context.fireChannelWritabilityChanged()
    }

    /// A graceful stop: what is in flight may finish, then the connection is closed.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent {
            isDraining = true
            endOpenCalls(context)
            if calls.isEmpty { close(context) }
        } else {
            if event is CallersChanged { recheck(context) }
            if let event = event as? TLSUserEvent { receive(event, context) }
            context.fireUserInboundEventTriggered(event)
        }
    }

    var callCount: Int { calls.count }
    var isChangingTokens: Bool {
        calls.values.contains { $0.operation.permission == .manageTokens }
    }
    var hasOpened: Bool {
        if case .preface = phase { false } else { true }
    }
}

// MARK: - Frames in

extension SessionHandler {
    private func receive(_ frame: Frame, _ context: ChannelHandlerContext) throws(AlulaError) {
        switch frame.kind {
        case .request: try open(frame, context)
        case .item:
            guard let call = calls[frame.call] else { return }
            if let error = buffer.take(frame.payloadBytes) {
                return finish(call, .failure(error), context)
            }
            try call.receive(frame)
        case .end: calls[frame.call]?.receiveEnd()
        case .cancel:
            guard let call = calls[frame.call] else { return }
            finish(call, .failure(.init(.cancelled, "cancelled by the client")), context)
        case .window:
            let window = try Messages.decode(WireWindow.self, from: frame.control)
            calls[frame.call]?.receiveCredit(Int(window.bytes))
        case .response, .error:
            throw .invalid("a client sent a frame of kind \(frame.kind), which only servers send")
        }
    }

    private func open(_ frame: Frame, _ context: ChannelHandlerContext) throws(AlulaError) {
        guard calls[frame.call] == nil else {
            throw .invalid("call \(frame.call) is in use: calls are numbered upwards")
        }
        guard let operation = Operation(rawValue: frame.operation) else {
            return send(
                .failure(
                    .init(
                        .unimplemented,
                        "operation \(frame.operation) is unknown",
                        help: "the client may be newer than the server"
                    )
                ),
                for: frame,
                context
            )
        }
        guard operation != .authenticate else {
            return send(.success(try authenticate(frame)), for: frame, context)
        }
        if let refusal = refusal(of: frame, operation) {
            noteRefusal(of: operation, refusal)
            guard !caller.isRevoked else { throw refusal }
            return send(.failure(refusal), for: frame, context)
        }
        guard let identity = caller.identity else { return }
        guard !isDraining else {
            return send(
                .failure(
                    .init(.unavailable, "the server is stopping", help: "connect again in a moment")
                ),
                for: frame,
                context
            )
        }
        if let error = excess(of: frame, from: identity) {
            return send(.failure(error), for: frame, context)
        }
        start(frame, operation, identity, context)
    }

    private func start(
        _ frame: Frame,
        _ operation: Operation,
        _ identity: Identity,
        _ context: ChannelHandlerContext
    ) {
        let channel = context.channel
        let call = Call(
            request: frame,
            operation: operation,
            identity: identity,
            eventLoop: context.eventLoop,
            buffer: buffer,
            idleSeconds: limits.streamIdleSeconds
        ) { frame, promise in
            // Large data goes as it is, behind its head, with nothing of others in between.
            var bytes = channel.allocator.buffer(capacity: 1_024)
            frame.encodeHead(into: &bytes)
            let (head, data) = (bytes, frame.data)
            channel.eventLoop.execute {
                if data.readableBytes > 0 { channel.write(head, promise: nil) }
                channel.writeAndFlush(data.readableBytes > 0 ? data : head, promise: promise)
            }
        }
        calls[frame.call] = call
        schedule(call, context)
        let dispatcher = dispatcher
        run(call, asStream: operation.isStream, context) { dispatcher.answer(call) }
    }

    /// Answers the call on a worker's thread; streams of one connection beyond the limit wait.
    private func run(
        _ call: Call,
        asStream: Bool,
        _ context: ChannelHandlerContext,
        _ body: @escaping @Sendable () -> Result<Answer, AlulaError>
    ) {
        let loopBound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let eventLoop = context.eventLoop
        let workers = workers
        let kind = asStream ? .stream : call.operation.workers
        let submit: @Sendable () -> Void = {
            let taken = workers.run(kind, bytes: call.data.readableBytes) {
                let result = body()
                eventLoop.execute {
                    let (session, context) = loopBound.value
                    if asStream { session.streamEnded() }
                    session.answered(call, result, context)
                }
            }
            guard !taken else { return }
            let (session, context) = loopBound.value
            if asStream { session.streamEnded() }
            session.finish(call, .failure(Self.tooManyCalls), context)
        }
        guard asStream else { return submit() }
        guard runningStreams < limits.streamsPerConnection else {
            waitingStreams.append(submit)
            return
        }
        runningStreams += 1
        submit()
    }

    private func streamEnded() {
        runningStreams -= 1
        guard !waitingStreams.isEmpty else { return }
        runningStreams += 1
        waitingStreams.removeFirst()()
    }

    /// The rest of an answer over one frame is a stream of its own, so that a client that does not take
    /// it holds up no short call.
    private func answered(
        _ call: Call,
        _ result: Result<Answer, AlulaError>,
        _ context: ChannelHandlerContext
    ) {
        if case .success(let answer) = result, answer.staysOpen {
            if isDraining { endOpenCalls(context) }
            return
        }
        guard case .success(let answer) = result, let rest = answer.rest, isCurrent(call) else {
            return finish(call, result, context)
        }
        let dispatcher = dispatcher
        run(call, asStream: true, context) { dispatcher.answer(call, rest) }
    }

    /// Ends what would go on by itself, so that the server can stop.
    private func endOpenCalls(_ context: ChannelHandlerContext) {
        let stopping = AlulaError(
            .unavailable,
            "the server is stopping",
            help: "connect again in a moment"
        )
        for call in calls.values where call.operation.staysOpen {
            finish(call, .failure(stopping), context)
        }
    }

    private func isCurrent(_ call: Call) -> Bool { calls[call.id] === call }

    private static let tooManyCalls = AlulaError(
        .resourceExhausted,
        "the server has too many calls of this kind waiting",
        help: "send it again in a moment",
        retry: .sameRequest
    )

    private func schedule(_ call: Call, _ context: ChannelHandlerContext) {
        // A broken head is reported by the dispatcher, with its reason.
        guard let head = try? CallHead.peek(call.control) else { return }
        let milliseconds = deadline(head.timeoutMilliseconds, of: call.operation)
        guard milliseconds > 0 else { return }
        let loopBound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        deadlines[call.id] = context.eventLoop.scheduleTask(
            in: .milliseconds(milliseconds)
        ) {
            let (session, context) = loopBound.value
            let late = AlulaError(
                .deadlineExceeded,
                "the call took longer than its \(milliseconds) ms",
                help: call.operation.isWrite
                    ? "it may have been done: repeat it with the same request id" : ""
            )
            session.finish(call, .failure(late), context)
        }
    }
}

// MARK: - Frames out

extension SessionHandler {
    /// Sends the last frame of a call, once.
    private func finish(
        _ call: Call,
        _ result: Result<Answer, AlulaError>,
        _ context: ChannelHandlerContext
    ) {
        guard isCurrent(call) else { return }
        calls[call.id] = nil
        deadlines.removeValue(forKey: call.id)?.cancel()
        if case .failure(let error) = result { call.end(error) }
        buffer.giveBack(call.requestBytes)
        note(call, result)
        send(
            result,
            for: Frame(kind: .request, operation: call.operation.rawValue, call: call.id),
            context
        )
        if isDraining && calls.isEmpty { close(context) }
        if call.operation.permission == .manageTokens { recheck(context) }
    }

    private func note(_ call: Call, _ result: Result<Answer, AlulaError>) {
        var failed = false
        if case .failure = result { failed = true }
        figures.observe(call.operation, since: call.arrived, failed: failed)
        dispatcher.services.slowCalls.note(call, failed: failed, logger)
    }

    private func send(
        _ result: Result<Answer, AlulaError>,
        for request: Frame,
        _ context: ChannelHandlerContext
    ) {
        guard context.channel.isActive else { return }
        let frame: Frame
        switch result {
        case .success(let answer):
            frame = Frame(
                kind: .response,
                operation: request.operation,
                call: request.call,
                control: answer.control,
                data: answer.data
            )
        case .failure(let error):
            frame = Frame(
                kind: .error,
                operation: request.operation,
                call: request.call,
                control: Self.control(of: error)
            )
        }
        var bytes = context.channel.allocator.buffer(
            capacity: Frame.headerBytes + frame.payloadBytes
        )
        frame.encode(into: &bytes)
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    private static func control(of error: AlulaError) -> ByteBuffer {
        if let control = try? Messages.encode(WireFailure(error)) { return control }
        // The details were too long to travel: the sentence alone always fits.
        var short = error
        short.details = []
        short.message = String(error.message.prefix(1_000))
        return (try? Messages.encode(WireFailure(short))) ?? ByteBuffer()
    }

    /// A broken frame: an error for call 0, then the connection is closed.
    private func fail(_ context: ChannelHandlerContext, _ error: any Error) {
        let reason =
            error as? AlulaError ?? .invalid("the frames of this connection are broken: \(error)")
        send(.failure(reason), for: Frame(kind: .request, operation: 0, call: 0), context)
        closeSoon(context)
    }

    /// Ends every call and the connection, with the reason.
    func end(with error: AlulaError, _ context: ChannelHandlerContext) {
        if case .closed = phase { return }
        for call in calls.values { finish(call, .failure(error), context) }
        if case .closed = phase { return }
        // What has sent nothing may yet be a client, which reads a preface first.
        if !hasOpened {
            context.write(wrapOutboundOut(Preface.server(chosen: Preface.version)), promise: nil)
        }
        fail(context, error)
    }

    private func closeSoon(_ context: ChannelHandlerContext) {
        phase = .closed
        // What the client still sends is read and dropped for a second: closing on unread bytes would
        // reset the connection, and the client would lose the reason.
        context.close(mode: .output, promise: nil)
        let loopBound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: .seconds(1)) {
            loopBound.value.close(promise: nil)
        }
    }

    private func close(_ context: ChannelHandlerContext) {
        phase = .closed
        context.flush()
        context.close(promise: nil)
    }
}
