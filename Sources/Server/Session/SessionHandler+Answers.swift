import Domain
import NIOCore
import Wire

/// What is written as a call ends.
extension SessionHandler {
    /// Sends the last frame of a call, once.
    func finish(
        _ call: Call,
        _ result: Result<Answer, AlulaError>,
        _ context: ChannelHandlerContext
    ) {
        guard calls.end(call) else { return }
        streams.forget(call)
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

    func send(
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
}
