import Domain
import FoundationEssentials
package import NIOCore
import Synchronization
package import SwiftProtobuf
package import Wire

/// A client of an Alula server.
///
/// One client is enough for a program: it is thread-safe, connects when it is first used, and has
/// many calls in flight on its one connection.
///
/// Every method throws `AlulaError`. A call that lost its connection is sent again, a write with
/// the same request id, so that nothing happens twice.
public final class AlulaClient: Sendable {
    public let address: ServerAddress
    /// The project that calls are about; empty means the server's only one.
    public let project: String
    /// Milliseconds that a call without a stream may take; 0 is no deadline.
    public let timeoutMilliseconds: UInt32

    private let slot: ConnectionSlot
    let plans = Mutex<[String: CachedPlan]>([:])

    public init(
        address: ServerAddress = ServerAddress(),
        project: String = "",
        timeoutMilliseconds: UInt32 = 60_000,
        security: ClientSecurity = ClientSecurity()
    ) {
        self.address = address
        self.project = project
        self.timeoutMilliseconds = timeoutMilliseconds
        slot = ConnectionSlot(address: address, security: security)
    }

    /// Ends the connection and every call in flight; the next call connects anew.
    public func close() async { await slot.close() }
}

extension AlulaClient {
    /// Makes a call that answers with one message, and data behind it.
    package func call<Answer: Message>(
        _ operation: Operation,
        _ request: some HeadedRequest,
        data: ByteBuffer = ByteBuffer(),
        answer: Answer.Type
    ) async throws -> (Answer, ByteBuffer) {
        try await stream(
            operation,
            request,
            data: data,
            timeout: timeoutMilliseconds,
            answer: answer
        ) { (_: WireEmpty, _) in }
    }

    /// Makes a call that uploads items, or answers with items, or both; without a `timeout` in
    /// milliseconds there is no deadline.
    ///
    /// Where the connection is lost before an item arrived, the call is made again and `upload`
    /// runs again from its start, unless `isRepeatable` is false.
    package func stream<Item: Message, Answer: Message>(
        _ operation: Operation,
        _ request: some HeadedRequest,
        data: ByteBuffer = ByteBuffer(),
        timeout: UInt32 = 0,
        isRepeatable: Bool = true,
        upload: ((Upload) async throws -> Void)? = nil,
        answer: Answer.Type,
        onItem: @escaping (Item, ByteBuffer) async throws -> Void
    ) async throws -> (Answer, ByteBuffer) {
        let control = try head(request, operation, timeout: timeout)
        var sawItem = false
        return try await retrying {
            isRepeatable && !sawItem
        } _: { connection in
            let call = try connection.open(
                operation,
                control: control,
                data: data,
                hasUpload: upload != nil
            )
            // The server ends a call that is late; this is for a server that does not.
            let timer = timeout == 0 ? nil : connection.schedule(call, in: Int64(timeout) + 1_000)
            defer { timer?.cancel() }
            let take: (Frame) async throws -> Void = { frame in
                sawItem = true
                try await onItem(try Messages.decode(Item.self, from: frame.control), frame.data)
                try connection.grant(call)
            }
            return try await cancelling(call, on: connection) {
                if let upload {
                    try await upload(Upload(connection: connection, call: call, take: take))
                    connection.endUpload(call)
                }
                while case .item(let frame) = try await call.next() { try await take(frame) }
                let response = try await call.response()
                return (try Messages.decode(answer, from: response.control), response.data)
            }
        }
    }

    /// Stops the call on the server too where the body throws or the task is cancelled.
    private func cancelling<Answer>(
        _ call: CallState,
        on connection: Connection,
        _ body: () async throws -> Answer
    ) async throws -> Answer {
        let stopped = AlulaError(.cancelled, "the call was cancelled")
        return try await withTaskCancellationHandler {
            do {
                return try await body()
            } catch {
                connection.cancel(call, stopped)
                throw error
            }
        } onCancel: {
            connection.cancel(call, stopped)
        }
    }

    /// The request with its head: encoded once, so that a repeat carries the same request id.
    private func head(
        _ request: some HeadedRequest,
        _ operation: Operation,
        timeout: UInt32
    ) throws(AlulaError) -> ByteBuffer {
        var request = request
        request.head.project = project
        request.head.timeoutMs = timeout
        if operation.isWrite {
            var generator = SystemRandomNumberGenerator()
            request.head.requestID = .init(
                (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
            )
        }
        return try Messages.encode(request)
    }

    /// Repeats what failed for want of a connection or of a ready server: five times within three
    /// seconds.
    private func retrying<Answer>(
        while mayRepeat: () -> Bool = { true },
        _ body: (Connection) async throws -> Answer
    ) async throws -> Answer {
        var attempt = 0
        while true {
            do {
                return try await body(try await slot.connection())
            } catch let error as AlulaError
                where error.code == .unavailable && attempt < 5 && mayRepeat()
            {
                let neverConnected = await !slot.hasConnected
                if neverConnected { throw error }
                try await Task.sleep(for: .milliseconds(100 << attempt))
                attempt += 1
            }
        }
    }
}

/// The items of an upload, on their way to the server.
package struct Upload {
    let connection: Connection
    let call: CallState
    let take: (Frame) async throws -> Void

    /// Sends one item, and takes what has arrived meanwhile.
    ///
    /// False where the server has ended the call, which tells its reason to whoever made it: send
    /// no more.
    package func send(_ control: some Message, _ data: ByteBuffer) async throws -> Bool {
        while case .item(let frame)? = try call.poll() { try await take(frame) }
        return try await connection.send(call, control: try Messages.encode(control), data: data)
    }
}

/// The one connection of a client, made anew when it is lost.
private actor ConnectionSlot {
    private let address: ServerAddress
    private let security: ClientSecurity
    private var opening: Task<Connection, any Error>?
    private(set) var hasConnected = false

    init(address: ServerAddress, security: ClientSecurity) {
        self.address = address
        self.security = security
    }

    func connection() async throws -> Connection {
        if let opening {
            let connection = try await opening.value
            if connection.isOpen { return connection }
            if self.opening == opening { self.opening = nil }
            return try await self.connection()
        }
        let task = Task { [address, security] in
            try await Connection.connect(to: address, security)
        }
        opening = task
        do {
            let connection = try await task.value
            hasConnected = true
            return connection
        } catch {
            if opening == task { opening = nil }
            throw error
        }
    }

    func close() async {
        let connection = try? await opening?.value  // none was made: nothing to close
        opening = nil
        await connection?.close()
    }
}
