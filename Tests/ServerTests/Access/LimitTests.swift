import Domain
import Foundation
import NIOCore
import Testing
import Wire

@testable import Server

/// Every limit that can be set: at it all is well, one past it is refused by its name.
@Suite(.serialized)
struct LimitTests {
    private func server(
        _ change: @escaping (inout ServerLimits) -> Void
    ) async throws
        -> RunningServer
    {
        try await RunningServer(prepare: { _ in }, { change(&$0.limits) })
    }

    private func status() throws -> ByteBuffer {
        try PermissionTests.request(.status, project: "", "")
    }

    private func said(_ frame: Frame?) throws -> String {
        guard let frame, frame.kind == .error else { return "nothing" }
        return try Messages.decode(WireFailure.self, from: frame.control).message
    }

    @Test func `connections`() async throws {
        let server = try await server { $0.connections = 2 }
        let kept = [try RawClient(port: server.port), try RawClient(port: server.port)]
        for client in kept { #expect(try client.fail(.status, try status()) == nil) }
        let third = try RawClient(port: server.port)
        #expect(try said(try third.next()).contains("(connections)"))
        #expect(try third.next() == nil)
        for client in kept { #expect(try client.fail(.status, try status()) == nil) }
        await server.stop()
    }

    /// An upload that waits for its items keeps its call in flight.
    private func upload(_ call: UInt32, bytes: Int = 0) throws -> ByteBuffer {
        var request = WirePutArtifactRequest()
        request.head.requestID = Data(repeating: UInt8(call), count: 16)
        request.digest = String(repeating: "0\(call % 10)", count: 32)
        request.bytes = 1 << 30
        var buffer = ByteBuffer()
        Frame(
            kind: .request,
            hasMore: true,
            operation: Wire.Operation.putArtifact.rawValue,
            call: call,
            control: try Messages.encode(request),
            data: ByteBuffer(repeating: 0, count: bytes)
        ).encode(into: &buffer)
        return buffer
    }

    @Test func `calls in flight on a connection`() async throws {
        let server = try await server { $0.callsPerConnection = 3 }
        let client = try RawClient(port: server.port)
        for call in 1...4 { client.write(try upload(UInt32(call))) }
        let refused = try #require(try client.next())
        #expect(refused.call == 4)
        #expect(try said(refused).contains("(calls-per-connection)"))
        await server.stop()
    }

    @Test func `calls of one caller in a second`() async throws {
        let server = try await server { $0.requestsPerSecond = 5 }
        let clients = [try RawClient(port: server.port), try RawClient(port: server.port)]
        var refused = 0
        var answered = 0
        // At least one second of the clock is met whole by so many calls.
        for round in 0..<200 where refused < 5 {
            let error = try clients[round % 2].fail(.status, try status())
            if let error {
                #expect(error.message.contains("(requests-per-second)"))
                refused += 1
            } else {
                answered += 1
            }
        }
        #expect(refused == 5 && answered >= 5)
        await server.stop()
    }

    @Test func `bytes that wait on a connection`() async throws {
        let server = try await server { $0.connectionBytes = 2 << 20 }
        let client = try RawClient(port: server.port)
        let most = Limits.frameBytes - 1_024
        client.write(try upload(1, bytes: most))
        client.write(try upload(2, bytes: most))
        client.write(try upload(3, bytes: most))
        let refused = try #require(try client.next())
        #expect(refused.call == 3)
        #expect(try said(refused).contains("(connection-bytes)"))
        await server.stop()
    }

    @Test func `bytes that wait in all`() async throws {
        let server = try await server { $0.bufferedBytes = 2 << 20 }
        let most = Limits.frameBytes - 1_024
        let clients = try (0..<3).map { _ in try RawClient(port: server.port) }
        for client in clients.prefix(2) {
            client.write(try upload(1, bytes: most))
            // Answered behind it: the upload has been taken.
            var ping = ByteBuffer()
            Frame(kind: .request, operation: 1, call: 9, control: try status())
                .encode(into: &ping)
            client.write(ping)
            #expect(try client.next()?.call == 9)
        }
        clients[2].write(try upload(1, bytes: most))
        #expect(try said(try clients[2].next()).contains("(buffered-bytes)"))
        await server.stop()
    }

    @Test func `budgets are taken to the byte, and given back`() {
        let all = BufferBudget(limit: 100)
        let one = ConnectionBuffer(limit: 60, all: all)
        #expect(one.take(60) == nil)
        #expect(one.take(1)?.message.contains("connection-bytes") == true)
        do {
            let other = ConnectionBuffer(limit: 60, all: all)
            #expect(other.take(40) == nil)
            #expect(other.take(1)?.message.contains("buffered-bytes") == true)
            #expect(all.bytes == 100)
        }
        #expect(all.bytes == 60, "a connection that goes gives back all")
        one.giveBack(60)
        #expect(all.bytes == 0)
    }

    @Test func `a connection that never opens, one that is idle, and one with half a frame`()
        async throws
    {
        let server = try await server {
            $0.openingSeconds = 1
            $0.idleSeconds = 1
            $0.stallSeconds = 1
        }
        let silent = try RawClient(port: server.port, opening: ByteBuffer())
        let idle = try RawClient(port: server.port)
        #expect(try idle.fail(.status, try status()) == nil)
        let half = try RawClient(port: server.port)
        half.write(ByteBuffer(bytes: [40, 0, 0, 0, 1]))
        #expect(try said(try silent.next()).contains("(opening-seconds)"))
        #expect(try said(try idle.next()).contains("(idle-seconds)"))
        #expect(try said(try half.next()).contains("(stall-seconds)"))
        await server.stop()
    }

    @Test func `a stranger's frame is small, whatever it says of itself`() async throws {
        let server = try await RunningServer(prepare: { try $0.make("root", [.admin]) })
        func answer(_ payload: Int) throws -> AlulaError? {
            let client = try RawClient(port: server.port)
            let control = ByteBuffer(repeating: 0, count: payload)
            return try client.fail(.status, control)
        }
        #expect(try answer(Limits.strangerFrameBytes) == Gatekeeper.unauthenticated)
        let over = try answer(Limits.strangerFrameBytes + 1)
        #expect(over?.message.contains("\(Limits.strangerFrameBytes)") == true)
        await server.stop()
    }

    @Test func `every limit is set by its name, within its range`() throws {
        var limits = ServerLimits()
        for (name, value) in limits.values { try limits.set("\(name)=\(value)") }
        #expect(limits == ServerLimits())
        try limits.set("connections=7")
        #expect(limits.connections == 7)
        for text in ["connections", "connections=0", "connections=x", "nothing=1", "=1", ""] {
            #expect(throws: AlulaError.self, "\(text)") { try limits.set(text) }
        }
    }

    @Test func `messages within messages`() throws {
        // Field 1 of field 1 …: unknown to the message, so that only its depth can be refused.
        func nested(_ depth: Int) -> ByteBuffer {
            var message: [UInt8] = []
            for _ in 0..<depth { message = [0x0B] + message + [0x0C] }
            return ByteBuffer(bytes: message)
        }
        #expect(throws: AlulaError.self) {
            try Messages.decode(WireEmpty.self, from: nested(1_000))
        }
    }
}
