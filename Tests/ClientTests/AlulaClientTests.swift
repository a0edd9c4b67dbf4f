import Client
import Domain
import NIOCore
import Synchronization
import Testing
import Wire

struct AlulaClientTests {
    private func withServer(
        preface: ByteBuffer = Preface.server(chosen: 1),
        timeoutMilliseconds: UInt32 = 20_000,
        _ script: @escaping ScriptedServer.Script,
        _ body: (AlulaClient, ScriptedServer) async throws -> Void
    ) async throws {
        let server = try await ScriptedServer(preface: preface, script)
        let client = AlulaClient(
            address: ServerAddress(port: server.port),
            project: "credit",
            timeoutMilliseconds: timeoutMilliseconds
        )
        do { try await body(client, server) } catch {
            await client.close()
            try await server.close()
            throw error
        }
        await client.close()
        try await server.close()
    }

    private static func status(_ version: String) -> ByteBuffer {
        var status = WireStatusResponse()
        status.version = version
        return (try? Messages.encode(status)) ?? ByteBuffer()  // a short text always encodes
    }

    @Test func `an answer that arrives byte by byte is one answer`() async throws {
        try await withServer { frame, peer in
            peer.sendByteByByte(
                Frame(
                    kind: .response,
                    operation: frame.operation,
                    call: frame.call,
                    control: Self.status("9.9")
                )
            )
        } _: { client, _ in
            let status = try await client.status()
            #expect(status.version == "9.9")
        }
    }

    @Test func `the head carries the project and the deadline, and an id on writes only`()
        async throws
    {
        let heads = Mutex<[WireCallHead]>([])
        try await withServer { frame, peer in
            if frame.operation == Operation.status.rawValue {
                let head = try Messages.decode(WireHeadOnly.self, from: frame.control).head
                heads.withLock { $0.append(head) }
                peer.send(.response, to: frame, control: Self.status("1"))
            } else {
                let head = try Messages.decode(WireEndRunRequest.self, from: frame.control).head
                heads.withLock { $0.append(head) }
                peer.send(.response, to: frame)
            }
        } _: { client, _ in
            _ = try await client.status()
            _ = try await client.endRun("run-1", status: "finished")
            _ = try await client.endRun("run-1", status: "finished")
        }
        let seen = heads.withLock { $0 }
        #expect(seen.map(\.project) == ["credit", "credit", "credit"])
        #expect(seen.map(\.timeoutMs) == [20_000, 20_000, 20_000])
        #expect(seen.map(\.requestID.count) == [0, 16, 16])
        #expect(seen[1].requestID != seen[2].requestID)
    }

    @Test func `an error frame becomes the error it was, with every detail`() async throws {
        let error = AlulaError.refused("no", help: "do so", details: ["first", "second"])
        try await withServer { frame, peer in
            peer.send(.error, to: frame, control: try Messages.encode(WireFailure(error)))
        } _: { client, server in
            await #expect(throws: error) { try await client.status() }
            await #expect(throws: error) { try await client.status() }
            #expect(server.connectionCount == 1, "a refused call leaves the connection alone")
        }
    }

    @Test func `a write that lost its connection is sent again with the same id`() async throws {
        let ids = Mutex<[[UInt8]]>([])
        try await withServer { frame, peer in
            let request = try Messages.decode(WireStartRunRequest.self, from: frame.control)
            ids.withLock { $0.append(Array(request.head.requestID)) }
            guard peer.connection == 3 else { return peer.close() }
            var run = WireRun()
            run.id = "run-7"
            peer.send(.response, to: frame, control: try Messages.encode(run))
        } _: { client, _ in
            let run = try await client.startRun(WireStartRunRequest())
            #expect(run.id == "run-7")
        }
        let seen = ids.withLock { $0 }
        #expect(seen.count == 3)
        #expect(Set(seen).count == 1)
    }

    @Test func `a server that is not ready yet is asked again, one that refuses is not`()
        async throws
    {
        let calls = Mutex(0)
        try await withServer { frame, peer in
            let count = calls.withLock {
                $0 += 1
                return $0
            }
            let error =
                count < 3
                ? AlulaError(.unavailable, "starting") : AlulaError(.permissionDenied, "no")
            peer.send(.error, to: frame, control: try Messages.encode(WireFailure(error)))
        } _: { client, _ in
            await #expect(throws: AlulaError(.permissionDenied, "no")) {
                try await client.status()
            }
        }
        #expect(calls.withLock { $0 } == 3)
    }

    @Test func `where no server answers the first call fails at once and says what to do`()
        async throws
    {
        let server = try await ScriptedServer { _, _ in }
        try await server.close()
        let client = AlulaClient(address: ServerAddress(port: server.port))
        let error = await #expect(throws: AlulaError.self) { try await client.status() }
        #expect(error?.code == .unavailable)
        #expect(error?.message == "no server answers at alula://127.0.0.1:\(server.port)")
        #expect(error?.help.contains("alula serve --data DIR") == true)
    }

    @Test func `what is not a server is told from one`() async throws {
        try await withServer(preface: ByteBuffer(string: "HTTP/1.1 400\r\n")) { _, _ in
        } _: { client, _ in
            let error = await #expect(throws: AlulaError.self) { try await client.status() }
            #expect(error?.code == .dataLoss)
        }
    }

    @Test func `a server of another version says so`() async throws {
        try await withServer(preface: Preface.server(chosen: 0)) { _, _ in
        } _: { client, _ in
            let error = await #expect(throws: AlulaError.self) { try await client.status() }
            #expect(error?.code == .unimplemented)
        }
    }

    @Test func `an error for call 0 ends every call of the connection`() async throws {
        let error = AlulaError.invalid("a broken frame")
        let seen = Mutex(0)
        try await withServer { frame, peer in
            let count = seen.withLock {
                $0 += 1
                return $0
            }
            guard count == 2 else { return }
            peer.send(
                Frame(
                    kind: .error,
                    operation: 0,
                    call: 0,
                    control: try Messages.encode(WireFailure(error))
                )
            )
        } _: { client, _ in
            async let first = client.status()
            async let second = client.status()
            var failures: [AlulaError?] = []
            do { _ = try await first } catch { failures.append(error as? AlulaError) }
            do { _ = try await second } catch { failures.append(error as? AlulaError) }
            #expect(failures == [error, error])
        }
    }

    @Test func `many calls are in flight and answered in any order`() async throws {
        let waiting = Mutex<[Frame]>([])
        try await withServer { frame, peer in
            let all = waiting.withLock { frames in
                frames.append(frame)
                return frames
            }
            guard all.count == 50 else { return }
            for frame in all.reversed() {
                peer.send(.response, to: frame, control: Self.status("\(frame.call)"))
            }
        } _: { client, server in
            let versions = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<50 { group.addTask { try await client.status().version } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(versions) == Set((1...50).map { "\($0)" }))
            #expect(server.connectionCount == 1)
        }
        #expect(waiting.withLock { $0.map(\.call) } == Array(1...50), "numbered in their order")
    }

    @Test func `a late answer ends the call with its deadline, and the server is told`()
        async throws
    {
        let (cancelled, told) = AsyncStream.makeStream(of: UInt32.self)
        let server = try await ScriptedServer { frame, _ in
            if frame.kind == .cancel { told.yield(frame.call) }
        }
        let connection = try await Connection.connect(to: ServerAddress(port: server.port))
        let call = try connection.open(
            .status,
            control: try Messages.encode(WireHeadOnly()),
            data: ByteBuffer(),
            hasUpload: false
        )
        _ = connection.schedule(call, in: 10)
        let error = await #expect(throws: AlulaError.self) { try await call.next() }
        #expect(error?.code == .deadlineExceeded)
        for await number in cancelled {
            #expect(number == call.number)
            break
        }
        await connection.close()
        try await server.close()
    }

    @Test func `a cancelled task ends its call, and the server is told`() async throws {
        let (frames, arrived) = AsyncStream.makeStream(of: FrameKind.self)
        try await withServer { frame, _ in
            arrived.yield(frame.kind)
        } _: { client, _ in
            var kinds = frames.makeAsyncIterator()
            let task = Task { try await client.status() }
            #expect(await kinds.next() == .request)
            task.cancel()
            let error = await #expect(throws: AlulaError.self) { try await task.value }
            #expect(error?.code == .cancelled)
            #expect(await kinds.next() == .cancel)
        }
    }
}

struct ServerAddressTests {
    @Test(arguments: [
        ("alula://10.0.0.1:9", "10.0.0.1", 9), ("alula://db.example.com", "db.example.com", 7461),
        ("localhost:7000", "localhost", 7000), ("[::1]:7461", "::1", 7461),
        ("alula://[::1]", "::1", 7461),
        ("alula://h:1/", "h", 1),
    ])
    func `an address is a host and a port`(_ text: String, _ host: String, _ port: Int) throws {
        #expect(try ServerAddress(text: text) == ServerAddress(host: host, port: port))
    }

    @Test(arguments: ["", "http://h:1", "h:", "h:0", "h:65536", "h:x", ":7461", "a/b", "[::1]x"])
    func `anything else is refused`(_ text: String) {
        #expect(throws: AlulaError.self) { try ServerAddress(text: text) }
    }
}
