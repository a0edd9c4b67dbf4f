import Client
import Codec
import Domain
import NIOCore
import Synchronization
import Testing
import Wire

struct StreamTests {
    private let piece = 500_000
    private let pieces = 30

    private func withServer(
        _ script: @escaping ScriptedServer.Script,
        _ body: (AlulaClient) async throws -> Void
    ) async throws {
        let server = try await ScriptedServer(script)
        let client = AlulaClient(address: ServerAddress(port: server.port))
        do { try await body(client) } catch {
            await client.close()
            try await server.close()
            throw error
        }
        await client.close()
        try await server.close()
    }

    private var digest: ContentDigest {
        get throws { try ContentDigest(hex: String(repeating: "ab", count: 32)) }
    }

    /// Pieces for an upload, anew each time it is asked.
    private func source(_ started: ScriptedServer.Counter) -> () throws -> (() throws -> [UInt8]) {
        let (piece, pieces) = (piece, pieces)
        return {
            _ = started.next()
            var left = pieces
            return {
                guard left > 0 else { return [] }
                left -= 1
                return [UInt8](repeating: 7, count: piece)
            }
        }
    }

    private static func window(_ bytes: Int) throws -> ByteBuffer {
        var window = WireWindow()
        window.bytes = UInt32(bytes)
        return try Messages.encode(window)
    }

    private struct Tally {
        var outstanding = 0
        var greatest = 0
        var total = 0
    }

    @Test func `an upload sends no more than it was granted, and all of it in the end`()
        async throws
    {
        let tally = Mutex(Tally())
        let (piece, pieces) = (piece, pieces)
        try await withServer { frame, peer in
            switch frame.kind {
            case .item:
                let grant = tally.withLock { tally -> Int? in
                    tally.outstanding += frame.payloadBytes
                    tally.greatest = max(tally.greatest, tally.outstanding)
                    tally.total += frame.payloadBytes
                    // Only when the client cannot send one more is it granted anything.
                    guard tally.outstanding + piece > Limits.callWindow else { return nil }
                    defer { tally.outstanding = 0 }
                    return tally.outstanding
                }
                if let grant { peer.send(.window, to: frame, control: try Self.window(grant)) }
            case .end: peer.send(.response, to: frame)
            case .request, .response, .error, .cancel, .window: break
            }
        } _: { client in
            let started = ScriptedServer.Counter()
            _ = try await client.putArtifact(
                try digest,
                bytes: UInt64(piece * pieces),
                pieces: source(started)
            )
            #expect(started.value == 1)
        }
        let end = tally.withLock { $0 }
        #expect(end.total == piece * pieces)
        #expect(end.greatest <= Limits.callWindow)
        #expect(end.greatest > Limits.callWindow - piece)
    }

    @Test func `a download grants what it has taken, so that all of it arrives`() async throws {
        let left = Mutex((pieces: pieces, credit: Limits.callWindow))
        let piece = piece
        let pump: @Sendable (Frame, ScriptedServer.Peer) throws -> Void = { frame, peer in
            while true {
                let sends = left.withLock { state in
                    guard state.pieces > 0, state.credit >= piece else { return false }
                    state.pieces -= 1
                    state.credit -= piece
                    return true
                }
                guard sends else { break }
                peer.send(.item, to: frame, data: ByteBuffer(repeating: 3, count: piece))
            }
            if left.withLock({ $0.pieces == 0 }) {
                left.withLock { $0.pieces = -1 }
                peer.send(.response, to: frame)
            }
        }
        try await withServer { frame, peer in
            switch frame.kind {
            case .request: try pump(frame, peer)
            case .window:
                let bytes = try Messages.decode(WireWindow.self, from: frame.control).bytes
                left.withLock { $0.credit += Int(bytes) }
                try pump(frame, peer)
            case .response, .item, .end, .error, .cancel: break
            }
        } _: { client in
            var received = 0
            _ = try await client.getArtifact(try digest) { bytes in
                received += bytes.count
            }
            #expect(received == piece * pieces)
        }
    }

    @Test func `a server that sends more than it was granted fails the call`() async throws {
        let (piece, pieces) = (piece, pieces)
        try await withServer { frame, peer in
            guard frame.kind == .request else { return }
            for _ in 0..<pieces {
                peer.send(.item, to: frame, data: ByteBuffer(repeating: 3, count: piece))
            }
        } _: { client in
            let connection = try await Connection.connect(to: client.address)
            let call = try connection.open(
                .getArtifact,
                control: try Messages.encode(WireArtifactRequest()),
                data: ByteBuffer(),
                hasUpload: false
            )
            // Nothing is granted: the items that fit arrive, then the failure.
            var items = 0
            let error = await #expect(throws: AlulaError.self) {
                while case .item = try await call.next() { items += 1 }
            }
            #expect(error?.code == .internal)
            #expect(items == Limits.callWindow / piece)
            await connection.close()
        }
    }

    @Test func `an upload that the server ends early stops with the server's reason`() async throws
    {
        let error = AlulaError.invalid("the digest does not match")
        let items = Mutex(0)
        try await withServer { frame, peer in
            guard frame.kind == .item else { return }
            let count = items.withLock {
                $0 += 1
                return $0
            }
            if count == 2 {
                peer.send(.error, to: frame, control: try Messages.encode(WireFailure(error)))
            }
        } _: { client in
            let started = ScriptedServer.Counter()
            let pieces = source(started)
            await #expect(throws: error) {
                try await client.putArtifact(try digest, bytes: 1, pieces: pieces)
            }
        }
        // The window of 4 MiB bounds what was on its way.
        #expect(items.withLock { $0 } <= Limits.callWindow / piece)
    }

    @Test func `an upload that lost its connection begins again from its start`() async throws {
        let ids = Mutex<Set<[UInt8]>>([])
        let totals = Mutex<[Int: Int]>([:])
        try await withServer { frame, peer in
            switch frame.kind {
            case .request:
                let request = try Messages.decode(WirePutArtifactRequest.self, from: frame.control)
                ids.withLock { _ = $0.insert(Array(request.head.requestID)) }
            case .item:
                totals.withLock { $0[peer.connection, default: 0] += frame.data.readableBytes }
                if peer.connection == 1 { return peer.close() }
                peer.send(.window, to: frame, control: try Self.window(frame.payloadBytes))
            case .end: peer.send(.response, to: frame)
            case .response, .error, .cancel, .window: break
            }
        } _: { client in
            let started = ScriptedServer.Counter()
            _ = try await client.putArtifact(
                try digest,
                bytes: UInt64(piece * pieces),
                pieces: source(started)
            )
            #expect(started.value == 2)
        }
        #expect(totals.withLock { $0[2] } == piece * pieces)
        #expect(ids.withLock { $0.count } == 1)
    }

    @Test func `a stream that broke in its middle is an error, not a repeat`() async throws {
        let schema = Schema(fields: [.init(name: "a", type: .int64)])
        let rows = RecordBatch(
            schema: schema,
            columns: [try Column(.int64, [.int64(1)])],
            rowCount: 1
        )
        let requests = Mutex(0)
        try await withServer { frame, peer in
            guard frame.kind == .request else { return }
            requests.withLock { $0 += 1 }
            var item = WireBatchItem()
            item.schema = WireSchema(schema)
            peer.send(
                .item,
                to: frame,
                control: try Messages.encode(item),
                data: ByteBuffer(bytes: BatchCodec.encode(rows))
            )
            // Over the limit: the client takes what came before, then gives up.
            peer.channel.writeAndFlush(
                ByteBuffer(bytes: [UInt8](repeating: 0xFF, count: 16)),
                promise: nil
            )
            peer.close()
        } _: { client in
            var batches: [RecordBatch] = []
            await #expect(throws: AlulaError.self) {
                try await client.trainingSet("ts-1") { batches.append($0) }
            }
            #expect(batches == [rows])
        }
        #expect(requests.withLock { $0 } == 1)
    }

    @Test func `rows before their schema are an error`() async throws {
        try await withServer { frame, peer in
            peer.send(.item, to: frame, control: try Messages.encode(WireBatchItem()))
        } _: { client in
            await #expect(
                throws: AlulaError(.internal, "the server's answer has rows before their schema")
            ) {
                try await client.trainingSet("ts-1") { _ in }
            }
        }
    }
}
