import Domain
import Logging
import NIOCore
import NIOTLS
import Wire

/// One connection: preface, then frames, each opening, feeding or ending one of many calls.
final class SessionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Phase {
        case preface
        case frames
        case closed
    }

    let dispatcher: Dispatcher
    // Copies of what the services hold: they are asked with every read.
    let gatekeeper: Gatekeeper
    let limits: ServerLimits
    let workers: Workers
    let logger: Logger
    /// Who calls on this connection.
    var caller: Caller
    /// Answers reads at once, where they can be had from memory.
    private let desk: ReadDesk
    var phase = Phase.preface
    /// What came and is not a whole frame yet.
    private(set) var waiting = ByteBuffer()
    var decoder = FrameDecoder()
    /// What the peer has left waiting, within its limit.
    let buffer: ConnectionBuffer
    var watch = PeerWatch()
    var hasToldRefusal = false
    private(set) var peer = "-"
    var watchTask: RepeatedTask?
    let figures: CallFigures.Lane
    /// Answers are written that are not flushed yet.
    private var needsFlush = false
    var calls = CallsInFlight()
    var streams: StreamQueue
    /// The server is stopping: calls in flight finish, new ones are refused.
    var isDraining = false

    private static let muchOfAFrame = 32 << 10

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
        streams = StreamQueue(limit: dispatcher.services.limits.streamsPerConnection)
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
        if waiting.readableBytes == 0 {
            waiting = ByteBuffer()
        } else {
            waiting.discardReadBytes()
        }
        // Counted before it is taken.
        try countPartial()
        waiting.reserveCapacity(waiting.readerIndex + bytesWanted)
    }

    /// Bytes that what waits is to have room for: of all of a large frame at once, when some of it is
    /// there; else what has come is copied again and again as it grows.
    var bytesWanted: Int {
        guard waiting.readableBytes >= Self.muchOfAFrame,
            let payload: UInt32 = waiting.getInteger(at: waiting.readerIndex, endianness: .little),
            payload <= decoder.largestPayload
        else { return waiting.readableBytes }
        return max(waiting.readableBytes, Frame.headerBytes + Int(payload))
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
        for call in calls.removeAll() { call.end(gone) }
        streams.forgetWaiting()
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

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent {
            drain(context)
        } else {
            if event is CallersChanged { recheck(context) }
            if let event = event as? TLSUserEvent { receive(event, context) }
            context.fireUserInboundEventTriggered(event)
        }
    }

    var hasOpened: Bool {
        if case .preface = phase { false } else { true }
    }
}
