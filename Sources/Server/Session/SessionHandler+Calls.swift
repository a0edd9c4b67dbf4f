import Domain
import NIOCore
import Wire

/// Calls from their first frame to the thread that answers them.
extension SessionHandler {
    func receive(_ frame: Frame, _ context: ChannelHandlerContext) throws(AlulaError) {
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
            return send(.failure(Self.stopping), for: frame, context)
        }
        if let error = excess(of: frame, from: identity) {
            return send(.failure(error), for: frame, context)
        }
        if answerLookup(frame, operation, context) { return }
        start(frame, operation, identity, context)
    }

    /// Answers a look-up at once, where the answer is known.
    private func answerLookup(
        _ request: Frame,
        _ operation: Operation,
        _ context: ChannelHandlerContext
    ) -> Bool {
        let arrived = NIODeadline.now()
        guard let answer = dispatcher.services.lookups.answer(to: request, operation) else {
            return false
        }
        buffer.giveBack(request.payloadBytes)
        send(.success(Answer(control: answer)), for: request, context)
        figures.observe(operation, since: arrived, failed: false)
        return true
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
        calls.begin(call)
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
        if streams.admit(call, submit) { submit() }
    }

    private func streamEnded() { streams.end()?() }

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
        guard case .success(let answer) = result, let rest = answer.rest, calls.contains(call)
        else {
            return finish(call, result, context)
        }
        let dispatcher = dispatcher
        run(call, asStream: true, context) { dispatcher.answer(call, rest) }
    }

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
        let deadline = context.eventLoop.scheduleTask(in: .milliseconds(milliseconds)) {
            let (session, context) = loopBound.value
            let late = AlulaError(
                .deadlineExceeded,
                "the call took longer than its \(milliseconds) ms",
                help: call.operation.isWrite
                    ? "it may have been done: repeat it with the same request id" : ""
            )
            session.finish(call, .failure(late), context)
        }
        calls.setDeadline(deadline, of: call)
    }
}
