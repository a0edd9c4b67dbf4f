import Bench
import Client
import Codec
import Domain
import NIOCore
import NIOPosix
import Synchronization
import Wire

/// A server that answers frames as a test says.
final class AnsweringServer: Sendable {
    typealias Answer = @Sendable (_ number: Int, Frame, any Channel) -> Void

    let address: ServerAddress
    private let channel: any Channel
    private let seen: Seen

    final class Seen: Sendable {
        private let frames = Mutex<[Frame]>([])

        var all: [Frame] { frames.withLock { $0 } }

        /// How many there were before.
        func add(_ frame: Frame) -> Int {
            frames.withLock {
                $0.append(frame)
                return $0.count - 1
            }
        }
    }

    /// All frames that came, of all connections.
    var frames: [Frame] { seen.all }

    init(_ answer: @escaping Answer) async throws {
        let seen = Seen()
        self.seen = seen
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(seen, answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        address = ServerAddress(port: channel.localAddress?.port ?? 0)
    }

    func stop() async throws { try await channel.close() }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private var waiting = ByteBuffer()
        private var sawPreface = false
        private var decoder = FrameDecoder()
        private let seen: Seen
        private let answer: Answer

        init(_ seen: Seen, _ answer: @escaping Answer) {
            self.seen = seen
            self.answer = answer
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = unwrapInboundIn(data)
            waiting.writeBuffer(&bytes)
            if !sawPreface, waiting.readableBytes >= Preface.bytes {
                waiting.moveReaderIndex(forwardBy: Preface.bytes)
                sawPreface = true
                context.writeAndFlush(wrapOutboundOut(Preface.server(chosen: 1)), promise: nil)
            }
            while sawPreface, let frame = try? decoder.decode(buffer: &waiting) {
                answer(seen.add(frame), frame, context.channel)
            }
        }
    }
}

extension Channel {
    func send(
        _ kind: FrameKind,
        to frame: Frame,
        control: ByteBuffer = ByteBuffer(),
        data: ByteBuffer = ByteBuffer()
    ) {
        var bytes = ByteBuffer()
        Frame(
            kind: kind,
            operation: frame.operation,
            call: frame.call,
            control: control,
            data: data
        )
        .encode(into: &bytes)
        writeAndFlush(bytes, promise: nil)
    }
}

/// A service of one feature over one int64 key.
enum OneFeature {
    static let keys = [Schema.Field(name: "id", type: .int64)]
    static let schema = Schema(fields: [Schema.Field(name: "x", type: .float64)])

    static var plan: CachedPlan {
        var answer = ReadAnswer(plan: nil)
        do {
            try answer.take(response(plan: true, rows: 0), ByteBuffer(bytes: data(rows: 0)))
        } catch { preconditionFailure("\(error)") }
        guard let plan = answer.plan else { preconditionFailure("no plan") }
        return plan
    }

    static func response(plan: Bool = false, rows: Int) -> WireReadResponse {
        var response = WireReadResponse()
        response.plan = 7
        response.service = "s@1"
        response.rows = UInt32(rows)
        guard plan else { return response }
        response.schema = WireSchema(schema)
        var part = WireViewPart()
        part.label = "v"
        part.view = "v"
        part.columns = 1
        response.parts = [part]
        return response
    }

    /// An answer: `x` is 0.5 for every row, each of which is there.
    static func data(rows: Int) -> [UInt8] {
        var builder = ColumnBuilder(.float64)
        for _ in 0..<rows { builder.append(fixed: 0.5) }
        let batch = RecordBatch(schema: schema, columns: [builder.finish()], rowCount: rows)
        var bytes = BatchCodec.encode(batch)
        bytes += [UInt8](repeating: 1, count: 8 * rows)
        bytes += [UInt8](repeating: 0, count: (rows + 7) & ~7)
        return bytes
    }

    static func reads(_ source: KeySource, entities: Int) -> ReadFrames {
        var request = WireReadRequest()
        request.service = "s"
        return ReadFrames(
            request: request,
            keys: keys,
            requestValues: RecordBatch(schema: Schema(fields: []), columns: [], rowCount: 1),
            entities: entities,
            source: source,
            seed: 3
        )
    }

    static func answer(_ frame: Frame, _ channel: any Channel, rows: Int) {
        guard let control = try? Messages.encode(response(rows: rows)) else { return }
        channel.send(
            .response,
            to: frame,
            control: control,
            data: ByteBuffer(bytes: data(rows: rows))
        )
    }
}
