import Domain
import NIOCore
import Wire

/// The end of a connection: at once, with a reason, or as soon as its calls have ended.
extension SessionHandler {
    static let stopping = AlulaError(
        .unavailable,
        "the server is stopping",
        help: "connect again in a moment"
    )

    /// A graceful stop: what is in flight may finish, then the connection is closed.
    func drain(_ context: ChannelHandlerContext) {
        isDraining = true
        endOpenCalls(context)
        if calls.isEmpty { close(context) }
    }

    /// Ends what would go on by itself, so that the server can stop.
    func endOpenCalls(_ context: ChannelHandlerContext) {
        for call in calls.all where call.operation.staysOpen {
            finish(call, .failure(Self.stopping), context)
        }
    }

    /// A broken frame: an error for call 0, then the connection is closed.
    func fail(_ context: ChannelHandlerContext, _ error: any Error) {
        let reason =
            error as? AlulaError ?? .invalid("the frames of this connection are broken: \(error)")
        send(.failure(reason), for: Frame(kind: .request, operation: 0, call: 0), context)
        closeSoon(context)
    }

    /// Ends every call and the connection, with the reason.
    func end(with error: AlulaError, _ context: ChannelHandlerContext) {
        if case .closed = phase { return }
        for call in calls.all { finish(call, .failure(error), context) }
        if case .closed = phase { return }
        // What has sent nothing may yet be a client, which reads a preface first.
        if !hasOpened {
            context.write(wrapOutboundOut(Preface.server(chosen: Preface.version)), promise: nil)
        }
        fail(context, error)
    }

    func closeSoon(_ context: ChannelHandlerContext) {
        phase = .closed
        // What the client still sends is read and dropped for a second: closing on unread bytes would
        // reset the connection, and the client would lose the reason.
        context.close(mode: .output, promise: nil)
        let loopBound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: .seconds(1)) {
            loopBound.value.close(promise: nil)
        }
    }

    func close(_ context: ChannelHandlerContext) {
        phase = .closed
        context.flush()
        context.close(promise: nil)
    }
}
