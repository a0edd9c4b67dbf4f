import CEpoll
package import Client
package import Domain
import Glibc
import NIOCore
import Synchronization
import Wire

/// The least that a server can do: it takes frames of one size and answers each with a frame of
/// another, on one thread, in the process of the load.
package final class EchoServer: Sendable {
    package let address: ServerAddress
    private let stopping = Atomic(false)
    private let thread = Mutex<Thread?>(nil)

    /// Serves until `stop`; sizes include the frames' headers.
    package init(requestBytes: Int, responseBytes: Int) throws(AlulaError) {
        guard requestBytes >= Frame.headerBytes, responseBytes >= Frame.headerBytes,
            max(requestBytes, responseBytes) <= Limits.frameBytes
        else {
            throw .invalid(
                "an echo takes and gives frames of \(Frame.headerBytes) to \(Limits.frameBytes) bytes: "
                    + "found \(requestBytes) and \(responseBytes)"
            )
        }
        let (listener, port) = try Sockets.listen()
        address = ServerAddress(port: port)
        thread.withLock { thread in
            thread = Thread { [self] in
                EchoLoop(listener, requestBytes, responseBytes)
                    .run(until: { self.stopping.load(ordering: .relaxed) })
            }
        }
    }

    package func stop() {
        stopping.store(true, ordering: .relaxed)
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
    }
}

private final class EchoLoop {
    private struct Peer {
        var sawPreface = false
        /// Bytes of a frame that has not ended.
        var pending: [UInt8] = []
    }

    private let listener: Int32
    private let poller = epoll_create1(0)
    private let requestBytes: Int
    private var response: [UInt8]
    private var peers: [Int32: Peer] = [:]
    private var scratch = [UInt8](repeating: 0, count: 1 << 17)

    init(_ listener: Int32, _ requestBytes: Int, _ responseBytes: Int) {
        self.listener = listener
        self.requestBytes = requestBytes
        let frame = Frame(
            kind: .response,
            operation: Operation.read.rawValue,
            call: 1,
            data: ByteBuffer(repeating: 0, count: responseBytes - Frame.headerBytes)
        )
        var buffer = ByteBuffer()
        frame.encode(into: &buffer)
        response = Array(buffer.readableBytesView)
        watch(listener)
    }

    deinit {
        for descriptor in peers.keys { close(descriptor) }
        close(listener)
        close(poller)
    }

    func run(until isOver: () -> Bool) {
        var events = [epoll_event](repeating: epoll_event(), count: 64)
        while !isOver() {
            let ready = epoll_wait(poller, &events, Int32(events.count), 50)
            for index in 0..<Int(max(0, ready)) {
                let descriptor = Int32(events[index].data.u64)
                if descriptor == listener { take() } else { answer(descriptor) }
            }
        }
    }

    private func take() {
        let descriptor = accept(listener, nil, nil)
        guard descriptor >= 0 else { return }
        Sockets.setNoDelay(descriptor)
        peers[descriptor] = Peer()
        watch(descriptor)
    }

    private func watch(_ descriptor: Int32) {
        var event = epoll_event()
        event.events = EPOLLIN.rawValue
        event.data.u64 = UInt64(descriptor)
        epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event)
    }

    private func answer(_ descriptor: Int32) {
        let count = recv(descriptor, &scratch, scratch.count, Int32(MSG_DONTWAIT))
        guard count > 0 else {
            if count < 0, errno == EAGAIN || errno == EINTR { return }
            peers[descriptor] = nil
            close(descriptor)
            return
        }
        // The usual case: a whole request at once.
        if count == requestBytes, let peer = peers[descriptor], peer.sawPreface,
            peer.pending.isEmpty
        {
            return respond(descriptor, call: scratch[8..<12])
        }
        peers[descriptor]?.pending.append(contentsOf: scratch[..<count])
        if peers[descriptor]?.sawPreface == false, peers[descriptor]?.pending.count ?? 0 >= 8 {
            peers[descriptor]?.sawPreface = true
            peers[descriptor]?.pending.removeFirst(8)
            send(descriptor, Array(Preface.server(chosen: 1).readableBytesView))
        }
        while let pending = peers[descriptor]?.pending, pending.count >= requestBytes,
            peers[descriptor]?.sawPreface == true
        {
            respond(descriptor, call: pending[8..<12])
            peers[descriptor]?.pending.removeFirst(requestBytes)
        }
    }

    private func respond(_ descriptor: Int32, call: ArraySlice<UInt8>) {
        response.replaceSubrange(8..<12, with: call)
        send(descriptor, response)
    }

    private func send(_ descriptor: Int32, _ bytes: [UInt8]) {
        var sent = 0
        bytes.withUnsafeBytes { bytes in
            while sent < bytes.count, let base = bytes.baseAddress {
                let flags = Int32(MSG_NOSIGNAL)
                let count = Glibc.send(descriptor, base + sent, bytes.count - sent, flags)
                guard count > 0 || errno == EINTR else { return }
                sent += max(0, count)
            }
        }
    }
}
