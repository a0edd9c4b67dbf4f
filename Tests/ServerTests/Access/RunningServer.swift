import Backup
import Catalog
import Digest
import Domain
import Foundation
import Glibc
import NIOCore
import Registry
import Synchronization
import TestSupport
import Trust
import Wire

@testable import Server

/// A server in this process, over a socket, on a directory of its own.
final class RunningServer: Sendable {
    let directory: TemporaryDirectory
    let port: Int
    let httpPort: Int
    private let task: Task<Void, any Error>

    /// Starts once `prepare` has made tokens in the directory.
    init(
        prepare: (TokenMaker) throws -> Void = { _ in },
        _ change: (inout ServerConfiguration) -> Void = { _ in }
    ) async throws {
        let directory = try TemporaryDirectory()
        self.directory = directory
        try FileManager.default.createDirectory(
            atPath: directory.file("data"),
            withIntermediateDirectories: true
        )
        try prepare(try TokenMaker(directory.file("data")))
        var configuration = ServerConfiguration(
            dataDirectory: directory.file("data"),
            listen: "127.0.0.1:0",
            http: "127.0.0.1:0"
        )
        change(&configuration)
        let (lines, announced) = AsyncStream<String>.makeStream()
        let chosen = configuration
        task = Task {
            defer { announced.finish() }
            try await AlulaServer.run(chosen) { announced.yield($0) }
        }
        var ports: [String: Int] = [:]
        for await line in lines {
            let word = line.hasPrefix("health") ? "http" : "calls"
            ports[word] = line.split(separator: ":").last.flatMap { Int($0) }
            if ports.count == 2 { break }
        }
        guard let calls = ports["calls"], let http = ports["http"] else {
            try await task.value
            throw AlulaError(.internal, "the server did not start")
        }
        port = calls
        httpPort = http
    }

    func stop() async {
        task.cancel()
        _ = await task.result  // it ends by being cancelled
    }
}

/// Makes tokens in a directory that no server has open.
struct TokenMaker {
    private let store: TokenStore

    init(_ directory: String) throws {
        try DataFormat.current.prepare(directory)
        let pool = try openCatalogPool(path: directory + "/catalog.sqlite")
        let secret = [UInt8](repeating: 7, count: 32)
        try Data((hexadecimal(secret) + "\n").utf8).write(
            to: URL(filePath: directory + "/audit.key")
        )
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o600],
            ofItemAtPath: directory + "/audit.key"
        )
        store = try TokenStore(
            registry: try RegistryStore(
                pool: pool,
                artifacts: .init(size: { _ in nil }, firstBytes: { _ in [] }),
                auditKey: try AuditKey(secret: secret)
            )
        )
    }

    /// The token's text.
    @discardableResult
    func make(
        _ name: String,
        _ roles: Set<Role>,
        scope: TokenScope = .everything,
        expires: Timestamp? = nil,
        madeAt now: Timestamp = Timestamp(microseconds: 1_000_000)
    ) throws -> String {
        guard let secret = TokenSecret(bytes: try RandomBytes.make(32)) else { fatalError() }
        _ = try store.create(
            Credential(kind: .secret, hash: SHA256Hasher.digest(of: secret.bytes)),
            TokenGrant(
                name: try TokenName(name, as: "token"),
                roles: roles,
                scope: scope,
                expires: expires
            ),
            call: call(now)
        ) { _ in [] }
        return secret.text
    }

    func revoke(_ name: String) throws {
        _ = try store.revoke(name, call: call(Timestamp(microseconds: 2_000_000))) { _ in [] }
    }

    private func call(_ now: Timestamp) -> WriteCall {
        WriteCall(requestID: [], identity: .local, project: .unnamed, now: now)
    }
}

/// A socket that speaks frames and nothing more, one call after another.
final class RawClient {
    private let socket: CInt
    private var received = ByteBuffer()
    private var decoder = FrameDecoder()
    private var call: UInt32 = 0

    init(port: Int, opening: ByteBuffer = Preface.client()) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, length)
            }
        }
        guard connected == 0 else { throw AlulaError(.unavailable, "not connected: \(errno)") }
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        write(opening)
    }

    deinit { Glibc.close(socket) }

    func write(_ bytes: ByteBuffer) {
        let all = Array(bytes.readableBytesView)
        var sent = 0
        while sent < all.count {
            let count = all[sent...].withUnsafeBytes { raw in
                Glibc.send(socket, raw.baseAddress, raw.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }  // the server has closed: what it said is there to read
            sent += count
        }
    }

    /// Sends a request, and gives the last frame of its answer; nil where the connection ended.
    func ask(_ operation: Wire.Operation, _ control: ByteBuffer) throws -> Frame? {
        call += 1
        var bytes = ByteBuffer()
        Frame(kind: .request, operation: operation.rawValue, call: call, control: control)
            .encode(into: &bytes)
        write(bytes)
        while let frame = try next() {
            if frame.kind == .response || frame.kind == .error { return frame }
        }
        return nil
    }

    /// Nil where all went well, else the error.
    func fail(_ operation: Wire.Operation, _ control: ByteBuffer) throws -> AlulaError? {
        guard let frame = try ask(operation, control) else {
            return AlulaError(.unavailable, "the connection ended")
        }
        guard frame.kind == .error else { return nil }
        return AlulaError(wire: try Messages.decode(WireFailure.self, from: frame.control))
    }

    func authenticate(_ token: String) throws -> AlulaError? {
        var request = WireAuthenticateRequest()
        request.token = token
        return try fail(.authenticate, try Messages.encode(request))
    }

    /// The next frame; nil at the end of the connection.
    func next() throws -> Frame? {
        while true {
            if greeted, let frame = try decoder.decode(buffer: &received) { return frame }
            if !greeted, try Preface.takeServer(from: &received) != nil {
                greeted = true
                continue
            }
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let count = recv(socket, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            received.writeBytes(chunk[..<count])
        }
    }

    private var greeted = false
}
