import Domain
import NIOCore

/// Peers that open a connection and send nothing, send half of something, take nothing, or are gone.
struct PeerWatch {
    var opened = NIODeadline.now()
    /// When the last byte came.
    var heard = NIODeadline.now()
    /// Since when the peer takes nothing; nil while it does.
    var stalled: NIODeadline?
    /// What was still to be written when that was last looked at.
    var pendingWrites = 0
    /// Bytes of an incomplete frame that are counted in the connection's buffer.
    var partial = 0
    /// Bytes that may wait for the rest of their frame without being counted.
    static let free = 16 << 10

    enum State: Equatable {
        case opening
        case idle
        case halfAFrame
        case calling
    }

    /// Why the connection is to end; nil while all is well.
    func verdict(_ state: State, _ limits: ServerLimits, now: NIODeadline) -> AlulaError? {
        if let stalled, now - stalled > .seconds(Int64(limits.stallSeconds)) {
            return Self.late(
                "took nothing that was written to it",
                limits.stallSeconds,
                "stall-seconds"
            )
        }
        switch state {
        case .opening:
            guard now - opened > .seconds(Int64(limits.openingSeconds)) else { return nil }
            return Self.late(
                "did not say who it is",
                limits.openingSeconds,
                "opening-seconds"
            )
        case .halfAFrame:
            guard now - heard > .seconds(Int64(limits.stallSeconds)) else { return nil }
            return Self.late("left a frame half sent", limits.stallSeconds, "stall-seconds")
        case .idle:
            guard limits.idleSeconds > 0, now - heard > .seconds(Int64(limits.idleSeconds)) else {
                return nil
            }
            return Self.late("had no call", limits.idleSeconds, "idle-seconds")
        case .calling:
            return nil
        }
    }

    private static func late(_ what: String, _ seconds: Int, _ limit: String) -> AlulaError {
        AlulaError(
            .deadlineExceeded,
            "the connection \(what) for \(seconds) seconds (\(limit))",
            help: "connect again"
        )
    }
}

extension SessionHandler {
    /// How often each connection is looked at.
    private static func period(_ limits: ServerLimits) -> TimeAmount {
        let shortest = min(limits.openingSeconds, limits.stallSeconds, 15)
        return .milliseconds(Int64(shortest) * 500)
    }

    func beginWatch(_ context: ChannelHandlerContext) {
        let loopBound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let period = Self.period(limits)
        watchTask = context.eventLoop.scheduleRepeatedTask(initialDelay: period, delay: period) {
            _ in
            let (session, context) = loopBound.value
            session.look(context)
        }
    }

    private func look(_ context: ChannelHandlerContext) {
        if caller.identity != nil { recheck(context) }
        notePendingWrites(context)
        if let error = watch.verdict(peerState, limits, now: .now()) { end(with: error, context) }
    }

    /// A slow reader that still reads is not a stalled one; who reads nothing is, however little waits
    /// for him.
    private func notePendingWrites(_ context: ChannelHandlerContext) {
        guard let pending = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)
        else { return }
        if pending == 0 {
            watch.stalled = nil
        } else if pending != watch.pendingWrites || watch.stalled == nil {
            watch.stalled = .now()
        }
        watch.pendingWrites = pending
    }

    private var peerState: PeerWatch.State {
        if !hasOpened || caller.identity == nil { return .opening }
        if waiting.readableBytes > 0 { return .halfAFrame }
        return calls.count > 0 ? .calling : .idle
    }

    /// What waited is whole now, and counted as what it is.
    func releasePartial() {
        guard watch.partial > 0 else { return }
        buffer.giveBack(watch.partial)
        watch.partial = 0
    }

    /// Counts what waits for the rest of its frame; throws where it is too much.
    func countPartial() throws(AlulaError) {
        let bytes = bytesWanted
        let counted = bytes > PeerWatch.free ? bytes : 0
        guard counted != watch.partial else { return }
        releasePartial()
        if counted > 0, let error = buffer.takePart(counted) { throw error }
        watch.partial = counted
    }
}
